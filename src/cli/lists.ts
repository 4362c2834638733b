import { UsageError } from '../errors.ts'
import type { Operations } from '../http/operations.ts'
import { type Command, type CommandContext, textOption } from './command.ts'
import { table } from './table.ts'

export const jobs = list('jobs', 'the jobs, what each requires and when it runs', operations => operations.listJobs())

export const accounts = list('accounts', 'the accounts and how far their first login has come', operations =>
  operations.listAccounts(),
)

export const holds = list('holds', 'what waits for something to be mended, and why', operations =>
  operations.listHolds(),
)

export const runs: Command = {
  ...list('runs', 'what happened, the latest first', (operations, context) =>
    operations.listRuns({ job: textOption(context, 'job'), limit: readLimit(context) }),
  ),
  usage: 'runs [--job J] [--limit N] [--json]',
  options: { job: { type: 'string' }, limit: { type: 'string' }, json: { type: 'boolean' } },
}

function list(
  name: string,
  summary: string,
  find: (operations: Operations, context: CommandContext) => Promise<readonly object[]>,
): Command {
  return {
    usage: `${name} [--json]`,
    summary,
    words: [0, 0],
    options: { json: { type: 'boolean' } },
    async run(context) {
      const rows = await context.withOperations(operations => find(operations, context))
      context.terminal.out(context.options.json === true ? `${JSON.stringify(rows)}\n` : table(rows, `no ${name}`))
      return 0
    },
  }
}

function readLimit(context: CommandContext): number {
  const text = textOption(context, 'limit') ?? '20'
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new UsageError(`--limit is "${text}": give 1 to 1000.`)
  return limit
}
