import { renewAt } from '../auth/token-source.ts'
import { TransientError, WorkerError } from '../errors.ts'
import type { Connection, SubscriptionClient } from '../hasura/subscription-client.ts'
import type { Clock } from '../time/clock.ts'
import { pauseAfter } from './growing-pause.ts'
import type { LiveLine } from './live-line.ts'

/** Milliseconds. */
const longestPauseMs = 60_000
/** After a connection that lasted so long, pauses start again at their shortest. */
const steadyMs = 10_000
/** How long the second connection may take to answer all subscriptions until the first is closed. */
const answersWithinMs = 5_000
/** A connection is used so long at least, however soon its token expires, and at most: timers can't wait longer than 24 days. */
const usedForMs = { least: 1_000, most: 86_400_000 }

interface Open {
  readonly connection: Connection
  readonly subscribed: AbortController
  readonly openedAt: number
  isClosed: boolean
}

/**
 * Keeps a connection with the subscriptions of these lines open until `signal` is aborted. Before its token expires a second connection
 * replaces it. After a failure it connects again, with growing pauses. After each gap, every line is told.
 */
export async function keepConnection(
  { client, clock }: { readonly client: SubscriptionClient; readonly clock: Clock },
  lines: readonly LiveLine[],
  signal: AbortSignal,
): Promise<void> {
  let current: Open | undefined
  let failures = 0

  /** Opens the next connection, and closes the previous one when everything is subscribed to again. */
  async function renew(): Promise<Open> {
    const connection = await client.connect(signal)
    const subscribed = new AbortController()
    const next: Open = { connection, subscribed, openedAt: clock.elapsed(), isClosed: false }
    void connection.closed.then(() => {
      next.isClosed = true
      subscribed.abort()
    })
    const enough = new AbortController()
    const answered = Promise.all(lines.map(line => line.subscribe(connection, subscribed.signal)))
    await Promise.race([
      answered,
      clock.sleep(answersWithinMs, AbortSignal.any([signal, enough.signal])).catch(() => {}),
    ])
    enough.abort()
    const hasGap = !current || current.isClosed
    leave(current)
    if (hasGap) for (const line of lines) line.missed()
    return next
  }

  /** @returns why it has ended; undefined when it is time to replace it */
  async function use({ connection }: Open): Promise<WorkerError | undefined> {
    const over = new AbortController()
    const now = clock.now()
    const untilRenewal = Math.max(usedForMs.least, Math.min(renewAt(now, connection.expiresAt) - now, usedForMs.most))
    const time = clock.sleep(untilRenewal, AbortSignal.any([signal, over.signal])).catch(() => {})
    try {
      return await Promise.race([connection.closed, time.then(() => undefined)])
    } finally {
      over.abort()
    }
  }

  for (const line of lines) line.report({ state: 'connecting' })
  try {
    while (!signal.aborted) {
      let problem: WorkerError | undefined
      try {
        current = await renew()
        problem = await use(current)
        if (!problem || signal.aborted) continue
        if (clock.elapsed() - current.openedAt >= steadyMs) failures = 0
      } catch (error) {
        if (signal.aborted) return
        problem = error instanceof WorkerError ? error : unforeseen(error)
      }
      // Nothing is missed while the previous connection is still open.
      if (!current || current.isClosed) for (const line of lines) line.report({ state: 'failing', problem })
      await clock.sleep(pauseAfter(problem, failures, longestPauseMs), signal).catch(() => {})
      failures += 1
    }
  } finally {
    leave(current)
  }
}

function leave(open: Open | undefined): void {
  open?.subscribed.abort()
  open?.connection.close()
}

function unforeseen(cause: unknown): WorkerError {
  return new TransientError('live', 'The connection for subscriptions failed unexpectedly', { cause })
}
