import type pg from 'pg'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'

/** The channel for `NOTIFY` after a request was made by SQL, or by a process without a queue. */
export const requestsChannel = 'worker_requests'

/** Milliseconds between checks of the connection, and the time limit of each check. */
const checkEveryMs = 5_000
const answersWithinMs = 3_000
const connectAgainMs = 1_000
/** How long its connection may take to close on disposal, in milliseconds. */
const stopWithinMs = 500

/**
 * Calls back for each notification until it is disposed, on its own connection, which is reopened when it is lost or goes silent.
 * Notifications in between are missed, so callers must also poll.
 *
 * @param deps.open a client with limits on connecting and on waiting for an answer
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
      // Notifications may have been missed.
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
