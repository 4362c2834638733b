import { sql } from 'kysely'
import type { Log } from '../log.ts'
import { requestsChannel } from '../store/listen.ts'
import type { Store } from '../store/store.ts'
import type { Line, Wake } from './line.ts'

/** Where tickets go; the part of `Tickets` that waking needs. */
export interface TicketTaker {
  add(tickets: readonly Line[]): Promise<void>
}

export interface Waker {
  readonly wake: Wake
  /** What this process does when it is told that there may be work; nothing until it serves. */
  onWork(look: () => void): void
}

/**
 * Tells whoever may run it that a line has work: by tickets where there is Redis, else by a look of this process and a
 * notification to the others. When the queue doesn't take a ticket, this process looks for itself.
 */
export function createWaker({
  store,
  tickets,
  notifies,
  log,
}: {
  readonly store: Store
  readonly tickets: TicketTaker | undefined
  /** Other processes may listen. */
  readonly notifies: boolean
  readonly log: Log
}): Waker {
  let look: () => void = () => {}
  let isNotifying = false
  let isWanted = false

  /** However many lines are woken at once, there is one notification under way, and one after it. */
  async function notify(): Promise<void> {
    isWanted = true
    if (isNotifying) return
    isNotifying = true
    while (isWanted) {
      isWanted = false
      await sql`select pg_notify(${requestsChannel}, '')`
        .execute(store)
        .catch(error => log.debug({ error }, 'the other processes were not notified and look within a second'))
    }
    isNotifying = false
  }

  return {
    onWork(given) {
      look = given
    },
    wake(lines) {
      if (lines.length === 0) return
      if (!tickets) {
        look()
        if (notifies) void notify()
        return
      }
      tickets.add(lines).catch(error => {
        log.debug({ error, guard: 'ticket-refused' }, 'the queue took no ticket, and the store is looked at instead')
        look()
      })
    },
  }
}
