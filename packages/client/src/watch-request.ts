import { ClientError } from './client-error.ts'
import { hasEnded, type RequestReport } from './request-report.ts'
import type { Surroundings } from './surroundings.ts'

/** Gets a request's state; the worker may take up to `waitSeconds` to respond. */
export type Look = (
  id: string,
  waitSeconds: number,
  signal: AbortSignal | undefined,
) => Promise<{ readonly report: RequestReport; readonly waited: boolean }>

/** Shorter than the default timeout of most proxies; halved when one of them, or the worker, doesn't wait that long. */
const longestWaitSeconds = 25
const defaultTimeoutMs = 600_000
/** Pauses between polls that the worker answers immediately, in milliseconds: the first, and the longest. */
const firstPauseMs = 250
const longestPauseMs = 5_000

/**
 * As long as there is time, the worker may be away.
 *
 * @throws ClientError `timeout`; without a last response, the one that says why
 */
export async function* watchRequest(
  { now, sleep }: Omit<Surroundings, 'fetch'>,
  look: Look,
  id: string,
  { timeoutMs = defaultTimeoutMs, signal }: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): AsyncGenerator<RequestReport, void, undefined> {
  const endsAt = now() + timeoutMs
  const never = new AbortController().signal
  let shown = ''
  let pauseMs = firstPauseMs
  let longestSeconds = longestWaitSeconds
  for (let first = true; ; first = false) {
    const leftMs = endsAt - now()
    const waitSeconds = first ? 0 : Math.min(longestSeconds, Math.max(0, Math.floor(leftMs / 1_000)))
    const looked = await look(id, waitSeconds, signal).catch(keepTransient)
    if (looked instanceof ClientError) {
      // The worker restarts, or something in front of it does.
      const untilMs = Math.max(longestPauseMs, looked.retryAfterMs ?? 0)
      if (now() + untilMs >= endsAt) throw looked
      await sleep(untilMs, signal ?? never)
      continue
    }
    const { report, waited } = looked
    if (waitSeconds > 0 && !waited) longestSeconds = Math.floor(longestSeconds / 2)
    const text = JSON.stringify(report)
    if (text !== shown) yield report
    if (hasEnded(report)) return
    pauseMs = text !== shown || waited ? firstPauseMs : Math.min(longestPauseMs, pauseMs * 2)
    shown = text
    if (now() + pauseMs >= endsAt) throw new ClientError('timeout', describeWait(report, timeoutMs))
    await sleep(pauseMs, signal ?? never)
  }
}

/** @throws ClientError `request-failed`, `request-cancelled` */
export async function waitForEnd(reports: AsyncIterable<RequestReport>): Promise<RequestReport> {
  let last: RequestReport | undefined
  for await (const report of reports) last = report
  if (!last) throw new TypeError('a request that has ended was reported')
  const { id, state, failedReason } = last
  if (state === 'done') return last
  throw new ClientError(
    state === 'cancelled' ? 'request-cancelled' : 'request-failed',
    `Request ${id} ${state === 'cancelled' ? 'was cancelled' : 'failed'}${failedReason === undefined ? '' : `: ${failedReason}`}`,
  )
}

function keepTransient(error: unknown): ClientError {
  if (error instanceof ClientError && error.isTransient) return error
  throw error
}

function describeWait({ id, state, waitsFor }: RequestReport, timeoutMs: number): string {
  const why = waitsFor === undefined ? '' : `, it waits for ${waitsFor}`
  return `Request ${id} has not ended within ${timeoutMs / 1_000} s (${state}${why}), and continues`
}
