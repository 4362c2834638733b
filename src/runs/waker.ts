import { sql } from 'kysely'
import type { Log } from '../log.ts'
import type { Observer } from '../observer/observer.ts'
import { requestsChannel } from '../store/listen.ts'
import type { Store } from '../store/store.ts'
import type { Line, Wake } from './line.ts'

/** Where tickets go; the part of `Tickets` that waking needs. */
export interface TicketTaker {
  add(tickets: readonly Line[]): Promise<void>
}

export interface Waker {
  readonly wake: Wake
  /** What this process does about lines that it wakes itself; nothing until it serves. */
  onWork(offer: Wake): void
}

/**
 * Tells whoever may run it that a line has work: by tickets where there is Redis, else by offering it to this process and
 * a notification to the others. When the queue doesn't take a ticket, this process is offered it as well.
 */
export function createWaker({
  store,
  tickets,
  notifies,
  log,
  observer,
}: {
  readonly store: Store
  readonly tickets: TicketTaker | undefined
  /** Other processes may listen. */
  readonly notifies: boolean
  readonly log: Log
  readonly observer: Observer
}): Waker {
  let offer: Wake = () => {}
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
      offer = given
    },
    wake(lines) {
      if (lines.length === 0) return
      if (!tickets) {
        offer(lines)
        if (notifies) void notify()
        return
      }
      tickets.add(lines).then(
        () => observer.ticketsAdded(lines.length),
        error => {
          observer.guardFired('ticket-refused', { error })
          offer(lines)
        },
      )
    },
  }
}
