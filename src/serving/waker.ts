import { sql } from 'kysely'
import type { Log } from '../log.ts'
import type { Observer } from '../observer/observer.ts'
import type { Line, Wake } from '../runs/line.ts'
import { requestsChannel } from '../store/listen.ts'
import type { Store } from '../store/store.ts'

/** Where tickets go: the part of `Tickets` that waking needs. */
export interface TicketTaker {
  add(tickets: readonly Line[]): Promise<void>
}

export interface Waker {
  readonly wake: Wake
  /** What this process does with lines that it wakes itself; nothing until it serves. */
  onWork(offer: Wake): void
}

/**
 * Wakes a line: with Redis by tickets, otherwise by offering the line to this process and notifying the others. If the queue
 * doesn't accept a ticket, this process is offered the line too.
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

  /** At most one notification is in progress and one is pending, however many lines are woken. */
  async function notify(): Promise<void> {
    isWanted = true
    if (isNotifying) return
    isNotifying = true
    while (isWanted) {
      isWanted = false
      await sql`select pg_notify(${requestsChannel}, '')`
        .execute(store)
        .catch(error => log.debug({ error }, 'the other processes could not be notified; they look within a second'))
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
      const adding = observer.during({ kind: 'tickets', count: lines.length }, () => tickets.add(lines))
      adding.then(
        () => observer.ticketsAdded(lines.length),
        error => {
          observer.guardFired('ticket-refused', { error })
          offer(lines)
        },
      )
    },
  }
}
