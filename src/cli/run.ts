import { defineCommand } from './command.ts'
import { argument, flag, jsonOutput, oneAccount } from './options.ts'
import { addFlags, payloadFlags, payloadOption, requireKnown } from './payload-flags.ts'
import { progressLine } from './progress-line.ts'
import { tellInterrupted } from './tell-interrupted.ts'

export const run = defineCommand({
  name: 'run',
  summary: 'run a job now, in the foreground, through the gate',
  arguments: { job: argument('job, as listed by "jobs"') },
  options: {
    account: oneAccount,
    payload: payloadOption,
    dryRun: flag('read as the run would, show what would change, and change nothing'),
    ...payloadFlags,
    json: jsonOutput,
  },
  async run({ job, account, json, dryRun, payload: given, ...flags }, context) {
    const { terminal, signal } = context
    const payload = addFlags(given, flags)
    const running = context.withOperations(async operations => {
      await requireKnown(operations, job, flags)
      return operations.run(
        { job, account, payload, dryRun },
        {
          onEvent: event =>
            event.type === 'waiting'
              ? terminal.err(`Another run of ${job} is active: waiting until it ends.\n`)
              : terminal.draw(progressLine(event.progress)),
          signal,
        },
      )
    })
    const left = 'Interrupted: committed pages stay, and the next run resumes from the checkpoint'
    const result = await tellInterrupted(signal, left, running)
    terminal.out(
      json ? `${JSON.stringify({ job, dryRun, ...result })}\n` : `${describe(job, result, { dryRun, payload })}\n`,
    )
    return 0
  },
})

function describe(
  job: string,
  result: object,
  { dryRun, payload }: { readonly dryRun: boolean; readonly payload?: unknown },
): string {
  const counts = 'counts' in result && result.counts ? Object.entries(result.counts) : []
  const said = counts.filter(([, count]) => Number(count) > 0).map(([name, count]) => `${count} ${name}`)
  if (counts.length > 0 && said.length === 0) {
    const isBackfill = Object(payload).backfill !== undefined
    return `${job}: ${dryRun ? 'dry run, ' : ''}${isBackfill ? 'no rows between the two cursors' : 'nothing has changed'}`
  }
  const to = 'to' in result && typeof result.to === 'string' ? `, up to ${result.to}` : ''
  return `${job}: ${dryRun ? 'dry run, nothing was changed' : 'done'}${said.length > 0 ? ` (${said.join(', ')}${to})` : ''}`
}
