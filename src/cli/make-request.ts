import { NotFoundError, PermanentError, TransientError, UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import type { RequestReport } from '../operations/request-reports.ts'
import type { WantedRequest } from '../operations/requests.ts'
import type { CommandContext } from './command.ts'
import { flag, numberOption } from './options.ts'
import { tellInterrupted } from './tell-interrupted.ts'

/** How often to report a change of what the request waits for; its end is reported immediately. */
const lookEverySeconds = 1
const longestSeconds = 7 * 24 * 3600
const startOne = 'start a worker with "npm start"'

export const waitOptions = {
  wait: flag('wait until the request ends, and show what it waits for'),
  timeout: numberOption('SECONDS', 'with --wait: how long to wait; default: no limit', {
    min: 1,
    max: longestSeconds,
    default: undefined,
  }),
}

interface HowToWait {
  readonly wait: boolean
  readonly timeout?: number | undefined
  readonly json: boolean
}

/** Makes the request and prints its id; with `wait`, waits until it ends and prints what it waits for. */
export async function makeRequest(
  context: CommandContext,
  wanted: WantedRequest,
  { wait, timeout, json }: HowToWait,
): Promise<number> {
  const { config, terminal } = context
  if (timeout !== undefined && !wait) {
    throw new UsageError({ found: '--timeout has no effect without --wait', remedy: 'add --wait or remove --timeout' })
  }
  return context.withOperations(async operations => {
    // While this command has the embedded database open, no worker can start.
    if (wait && !config.databaseUrl && !(await operations.hasWorker())) {
      throw new UsageError({
        found: '--wait needs a worker, and none is running',
        remedy: `remove --wait, or ${startOne}`,
      })
    }
    const accepted = await operations.makeRequest(wanted)
    if (!wait) {
      terminal.out(json ? `${JSON.stringify(accepted)}\n` : `${accepted.id}\n`)
      return 0
    }
    const left = { found: `Interrupted: request ${accepted.id} stays accepted`, remedy: followOrCancel(accepted.id) }
    const waiting = waitUntilDone(context, operations, accepted.id, timeout)
    const report = await tellInterrupted(context.signal, left, waiting)
    terminal.out(json ? `${JSON.stringify(report)}\n` : `${report.id} ${report.state}\n`)
    if (report.state === 'done') return 0
    if (report.state === 'cancelled') {
      throw new PermanentError('request-cancelled', {
        found: `Request ${report.id} was cancelled`,
        remedy: `run "npm run -s cli -- retry ${report.id}" to repeat it`,
      })
    }
    throw new PermanentError('request-failed', report.failedReason ?? `Request ${report.id} failed`)
  })
}

/** @throws TransientError (`timeout`) */
async function waitUntilDone(
  { terminal, host: { clock }, signal }: CommandContext,
  operations: Operations,
  id: string,
  timeoutSeconds = Number.POSITIVE_INFINITY,
): Promise<RequestReport> {
  const deadline = clock.elapsed() + timeoutSeconds * 1000
  let told = ''
  let waitSeconds = 0
  for (;;) {
    const report = await operations.getRequest({ id, waitSeconds }, { signal }).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error
      throw new PermanentError('request-gone', {
        found: `Request ${id} no longer exists: its account was forgotten, or the store was restored from a backup`,
        remedy: 'make the request again',
      })
    })
    if (report.state !== 'waiting' && report.state !== 'running') return report
    const news = await describeState(report, operations)
    if (news !== told) terminal.err(`${news}\n`)
    told = news
    if (clock.elapsed() >= deadline) {
      throw new TransientError('timeout', {
        found: `Request ${id} has not ended after ${timeoutSeconds} s (${news}) and stays accepted`,
        remedy: followOrCancel(id),
      })
    }
    signal.throwIfAborted()
    waitSeconds = Math.min(lookEverySeconds, (deadline - clock.elapsed()) / 1000)
  }
}

function followOrCancel(id: string): string {
  return `run "npm run -s cli -- requests" to follow it, or "npm run -s cli -- cancel ${id}" to cancel it`
}

async function describeState(report: RequestReport, operations: Operations): Promise<string> {
  const { state, hold, waitsFor } = report
  // Leave out the time of the next probe: it changes each time and would be printed each time.
  if (hold) return `held: ${hold.reason}`
  if (state !== 'waiting') return state
  if (!(await operations.hasWorker())) return `waiting, but no worker is running; ${startOne}`
  return waitsFor === undefined ? state : `waiting for ${waitsFor}`
}
