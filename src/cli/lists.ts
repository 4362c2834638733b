import { UsageError } from '../errors.ts'
import type { Operations } from '../http/operations.ts'
import { type Command, type CommandContext, textOption } from './command.ts'
import { table } from './table.ts'

export const jobs = list({
  name: 'jobs',
  summary: 'the jobs, what each requires and when it runs',
  find: operations => operations.listJobs(),
  row: ({ name, requirement, schedule, into }) => ({ job: name, requirement, schedule, into }),
})

export const accounts = list({
  name: 'accounts',
  summary: 'the accounts and how far their first login has come',
  find: operations => operations.listAccounts(),
  row: ({ name, endpoint, firstLogin, bootstrappedAt, note }) => ({
    account: name,
    endpoint,
    'first login': firstLogin,
    bootstrapped: bootstrappedAt,
    note,
  }),
})

export const holds = list({
  name: 'holds',
  summary: 'what waits for something to be mended, and why',
  find: operations => operations.listHolds(),
  row: ({ account, job, since, nextProbeAt, code, reason }) => ({
    account,
    job: job ?? 'every job',
    since,
    'next probe': nextProbeAt,
    check: code,
    reason,
  }),
})

export const runs = list({
  name: 'runs',
  summary: 'what happened, the latest first',
  usage: 'runs [--job J] [--limit N] [--json]',
  options: { job: { type: 'string' }, limit: { type: 'string' } },
  find: (operations, context) => operations.listRuns({ job: textOption(context, 'job'), limit: readLimit(context) }),
  row: ({ id, job, account, trigger, state, startedAt, finishedAt, counts, error }) => ({
    run: id,
    job,
    account,
    trigger,
    state,
    started: startedAt,
    took: finishedAt === null ? null : `${((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000).toFixed(1)} s`,
    what:
      error?.message ??
      Object.entries(counts ?? {})
        .filter(([, count]) => count > 0)
        .map(([what, count]) => `${count} ${what}`)
        .join(', '),
  }),
})

/** A list has everything as JSON, and on a terminal what a person looks for. */
function list<Report>(definition: {
  readonly name: string
  readonly summary: string
  readonly usage?: string
  readonly options?: Command['options']
  find(operations: Operations, context: CommandContext): Promise<readonly Report[]>
  row(report: Report): Readonly<Record<string, unknown>>
}): Command {
  const { name, summary, usage = `${name} [--json]`, options, find, row } = definition
  return {
    usage,
    summary,
    words: [0, 0],
    options: { ...options, json: { type: 'boolean' } },
    async run(context) {
      const reports = await context.withOperations(operations => find(operations, context))
      const isJson = context.options.json === true
      context.terminal.out(isJson ? `${JSON.stringify(reports)}\n` : table(reports.map(row), `no ${name}`))
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
