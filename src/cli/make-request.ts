import { PermanentError, UsageError } from '../errors.ts'
import type { Operations, RequestReport, WantedRequest } from '../http/operations.ts'
import { isOwned } from '../store/data-dir-claim.ts'
import type { CommandContext } from './command.ts'
import { flag } from './options.ts'

const lookEveryMs = 500

export const waitOptions = {
  wait: flag('stays until the request is done, and says what it waits for'),
}

/** Makes the request and tells its id; with `wait` stays until it is done, and says what it waits for. */
export async function makeRequest(
  context: CommandContext,
  wanted: WantedRequest,
  how: { readonly wait: boolean; readonly json: boolean },
): Promise<number> {
  const { config, terminal } = context
  const { wait, json } = how
  if (wait && !config.databaseUrl && !(await isOwned(config.dataDir))) {
    throw new UsageError({
      found: `--wait needs a worker, and none has the database in ${config.dataDir} open`,
      remedy: 'start one with "npm start", or leave out --wait',
    })
  }
  return context.withOperations(async operations => {
    const accepted = await operations.makeRequest(wanted)
    if (!wait) {
      terminal.out(json ? `${JSON.stringify(accepted)}\n` : `${accepted.id}\n`)
      return 0
    }
    const report = await waitUntilDone(context, operations, accepted.id)
    terminal.out(json ? `${JSON.stringify(report)}\n` : `${report.id} ${report.state}\n`)
    if (report.state === 'done') return 0
    throw new PermanentError('request-failed', report.failedReason ?? 'The request failed')
  })
}

async function waitUntilDone(context: CommandContext, operations: Operations, id: string): Promise<RequestReport> {
  const { terminal, host, signal } = context
  let told = ''
  for (;;) {
    const report = await operations.findRequest(id)
    if (!report) throw new PermanentError('request-gone', `Request ${id} is no longer in the queue`)
    if (report.state === 'done' || report.state === 'failed') return report
    const news = report.hold ? `held: ${report.hold.reason}` : report.state
    if (news !== told) terminal.err(`${news}\n`)
    told = news
    await host.clock.sleep(lookEveryMs, signal)
  }
}
