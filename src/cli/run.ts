import type { PacedProgress } from '../runs/pace.ts'
import { type Command, textOption } from './command.ts'
import { parsePayload } from './payload.ts'
import { progressLine } from './progress-line.ts'

export const run: Command = {
  usage: 'run <job> [--account A] [--payload JSON] [--full] [--dry-run] [--allow-deletions] [--json]',
  summary: 'one run now, in the foreground, through the gate',
  words: [1, 1],
  options: {
    account: { type: 'string' },
    payload: { type: 'string' },
    full: { type: 'boolean' },
    'dry-run': { type: 'boolean' },
    'allow-deletions': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  async run(context) {
    const { terminal, signal, words, options } = context
    const job = words[0] ?? ''
    const draw = (progress: PacedProgress): void => {
      if (terminal.isInteractive) terminal.err(`\r${progressLine(progress)}\u001b[K`)
    }
    const result = await context.withOperations(operations =>
      operations.run(
        {
          job,
          account: textOption(context, 'account'),
          payload: parsePayload(textOption(context, 'payload')),
          full: options.full === true,
          dryRun: options['dry-run'] === true,
          allowDeletions: options['allow-deletions'] === true,
        },
        {
          onWaiting: () => terminal.err(`Another run of ${job} is active: waiting until it has ended.\n`),
          onProgress: draw,
        },
        signal,
      ),
    )
    if (terminal.isInteractive) terminal.err('\r\u001b[K')
    terminal.out(
      options.json === true
        ? `${JSON.stringify({ job, ...result })}\n`
        : `${describe(job, result, options['dry-run'] === true)}\n`,
    )
    return 0
  },
}

function describe(job: string, result: object, dryRun: boolean): string {
  const counts = 'counts' in result && result.counts ? Object.entries(result.counts) : []
  const said = counts.filter(([, count]) => Number(count) > 0).map(([name, count]) => `${count} ${name}`)
  if (counts.length > 0 && said.length === 0) return `${job}: ${dryRun ? 'dry run, ' : ''}nothing has changed`
  const to = 'to' in result && typeof result.to === 'string' ? `, up to ${result.to}` : ''
  return `${job}: ${dryRun ? 'dry run, nothing was changed' : 'done'}${said.length > 0 ? ` (${said.join(', ')}${to})` : ''}`
}
