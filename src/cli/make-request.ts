import { NotFoundError, PermanentError, TransientError, UsageError } from '../errors.ts'
import type { Operations } from '../operations/registry.ts'
import type { RequestReport } from '../operations/request-reports.ts'
import type { WantedRequest } from '../operations/requests.ts'
import type { CommandContext } from './command.ts'
import { flag, numberOption } from './options.ts'

/** How often a change of what the request waits for is told; its end is told at once. */
const lookEverySeconds = 1
const longestSeconds = 7 * 24 * 3600
const startOne = 'start one with "npm start"'

export const waitOptions = {
  wait: flag('stays until the request is done, and says what it waits for'),
  timeout: numberOption('SECONDS', 'with --wait: how long to stay; default without end', {
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

/** Makes the request and tells its id; with `wait` stays until it is done, and says what it waits for. */
export async function makeRequest(
  context: CommandContext,
  wanted: WantedRequest,
  { wait, timeout, json }: HowToWait,
): Promise<number> {
  const { config, terminal } = context
  if (timeout !== undefined && !wait) {
    throw new UsageError({ found: '--timeout is given without --wait', remedy: 'give both, or neither' })
  }
  return context.withOperations(async operations => {
    // While this command has the embedded database open, no worker can start.
    if (wait && !config.databaseUrl && !(await operations.hasWorker())) {
      throw new UsageError({
        found: '--wait needs a worker, and none is running',
        remedy: `${startOne}, or leave out --wait`,
      })
    }
    const accepted = await operations.makeRequest(wanted)
    if (!wait) {
      terminal.out(json ? `${JSON.stringify(accepted)}\n` : `${accepted.id}\n`)
      return 0
    }
    const report = await waitUntilDone(context, operations, accepted.id, timeout)
    terminal.out(json ? `${JSON.stringify(report)}\n` : `${report.id} ${report.state}\n`)
    if (report.state === 'done') return 0
    if (report.state === 'cancelled') {
      throw new PermanentError('request-cancelled', {
        found: `Request ${report.id} was cancelled`,
        remedy: `"retry ${report.id}" makes one like it`,
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
  const deadline = clock.now() + timeoutSeconds * 1000
  let told = ''
  let waitSeconds = 0
  for (;;) {
    const report = await operations.getRequest({ id, waitSeconds }, { signal }).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error
      throw new PermanentError('request-gone', {
        found: `Request ${id} is no longer there`,
        remedy: 'its account was forgotten meanwhile, or the store was restored from a copy; make it again',
      })
    })
    if (report.state !== 'waiting' && report.state !== 'running') return report
    const news = await describeState(report, operations)
    if (news !== told) terminal.err(`${news}\n`)
    told = news
    if (clock.now() >= deadline) {
      throw new TransientError('timeout', {
        found: `Request ${id} is not done after ${timeoutSeconds} s (${news})`,
        remedy: `it stays accepted; "requests" and "runs" show what becomes of it, and "cancel ${id}" ends it`,
      })
    }
    signal.throwIfAborted()
    waitSeconds = Math.min(lookEverySeconds, (deadline - clock.now()) / 1000)
  }
}

async function describeState(report: RequestReport, operations: Operations): Promise<string> {
  const { state, hold, waitsFor } = report
  // Without the instant of the next look, which changes with each one.
  if (hold) return `held: ${hold.reason}`
  if (state !== 'waiting') return state
  if (!(await operations.hasWorker())) return `waiting, and no worker is running: ${startOne}`
  return waitsFor === undefined ? state : `waiting for ${waitsFor}`
}
