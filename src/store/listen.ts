import type pg from 'pg'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'

/** What Postgres is told with `NOTIFY` after a request was made by SQL, or by a process that has no queue to tell it by. */
export const requestsChannel = 'worker_requests'

/** Milliseconds between two looks whether the connection still answers, and how long it may take. */
const checkEveryMs = 5_000
const answersWithinMs = 3_000
const connectAgainMs = 1_000
/** How long its connection may take to close when it is disposed, in milliseconds. */
const stopWithinMs = 500

/**
 * Calls back for each notification, until it is disposed, on a connection of its own that is made anew when it is lost or goes
 * silent. What was notified meanwhile is missed: who listens has to look now and then all the same.
 *
 * @param deps.open a client that neither connects nor waits for an answer for ever
 */
export function listen(
  { open, clock }: { readonly open: () => pg.Client; readonly clock: Clock },
  onNotify: () => void,
): AsyncDisposable {
  async function listenOnce(stopped: AbortSignal): Promise<void> {
    const client = open()
    const lost = new AbortController()
    client.on('error', () => lost.abort())
    client.on('end', () => lost.abort())
    client.on('notification', onNotify)
    try {
      await client.connect()
      await client.query(`listen ${requestsChannel}`)
      // Something may have been notified before.
      onNotify()
      const over = AbortSignal.any([lost.signal, stopped])
      while (!over.aborted) {
        await clock.sleep(checkEveryMs, over).catch(() => {})
        if (!over.aborted && !(await answers(client))) return
      }
    } finally {
      await settlesWithin(clock, stopWithinMs, client.end())
    }
  }

  async function answers(client: pg.Client): Promise<boolean> {
    const answer = client.query('select').then(
      () => true,
      () => false,
    )
    return (await settlesWithin(clock, answersWithinMs, answer)) && answer
  }

  return repeat(
    clock,
    async ({ signal }) => {
      await listenOnce(signal).catch(() => {})
      return connectAgainMs
    },
    { stopWithinMs },
  )
}
