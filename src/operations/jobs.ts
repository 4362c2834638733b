import { sql } from 'kysely'
import { z } from 'zod'
import { tablesOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { findJobProblems } from '../definitions/find-job-problems.ts'
import { propertiesOf } from '../definitions/payload-properties.ts'
import { getNamed } from '../names/find-named.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { runStates } from '../states.ts'
import { isWanted } from '../store/is-wanted.ts'
import { describeRule } from '../time/schedule-rule.ts'
import { isOwn } from './bound-caller.ts'
import { defineOperation, type OperationDeps } from './operation.ts'
import { pageAfter, pageInput } from './pages.ts'
import { nameValue } from './values.ts'

const jobReportSchema = z.object({
  name: z.string(),
  requirement: z.unknown(),
  schedule: z.string().nullable(),
  into: z.string().nullable(),
  /** The properties that its payload may have. */
  takes: z.array(z.string()),
  /** What prevents it from running anywhere, whether or not it is held already. */
  problem: z.string().nullable(),
  /** Over all accounts, or of the requested one: the first of these states that applies to any of them. */
  state: z.enum(['running', 'held', 'waiting', 'idle']),
  nextDueAt: z.string().nullable(),
  lastRun: z
    .object({
      id: z.string(),
      account: z.string(),
      state: z.enum(runStates),
      startedAt: z.string(),
      finishedAt: z.string().nullable(),
    })
    .nullable(),
})
type JobReport = z.infer<typeof jobReportSchema>

const cursor = ['name']

export const listJobs = defineOperation({
  route: 'GET /jobs',
  roles: ['view'],
  input: z.object({
    ...pageInput,
    /** State, next tick and last run of only this account. */
    account: nameValue.optional(),
  }),
  output: z.array(jobReportSchema),
  cursor,
  async run(app, { account, ...page }) {
    const { deps } = app
    if (account !== undefined) getNamed('account', deps.accounts, account)
    const jobs = pageAfter([...deps.jobs.values()], cursor, page)
    const now = await findStates(app, jobs, account)
    return Promise.all(jobs.map(async job => ({ ...(await describeJob(deps, job)), ...stateOf(now.get(job.name)) })))
  },
})

async function describeJob(deps: RunDeps, job: JobDefinition) {
  const problems = await findJobProblems(deps, job)
  return {
    name: job.name,
    requirement: job.requirement ?? null,
    schedule: job.schedule ? describeRule(job.schedule) : null,
    into: tablesOf(job).join(', ') || null,
    takes: propertiesOf(job.payload),
    problem: problems.map(({ message }) => message).join('; ') || null,
  }
}

interface StateRow {
  readonly job: string
  readonly running: boolean
  readonly held: boolean
  readonly waiting: boolean
  readonly next_due_at: Date | null
  readonly last_run: JobReport['lastRun']
}

async function findStates(
  app: OperationDeps,
  jobs: readonly JobDefinition[],
  account: string | undefined,
): Promise<ReadonlyMap<string, StateRow>> {
  const names = jobs.map(({ name }) => name)
  const isAsked = isWanted('x.account', account)
  const isMeant = sql`${isOwn(sql`x.account`, app)} and ${isAsked}`
  const { rows } = await sql<StateRow>`
    select j.job,
      exists (select from worker.leases x where x.job = j.job and x.run_id is not null and ${isMeant}) as running,
      exists (select from worker.requests x where x.job = j.job and x.state = 'waiting' and ${isMeant} and exists (
        select from worker.holds_of(x.account, j.job))) as held,
      exists (select from worker.requests x where x.job = j.job and x.state = 'waiting' and ${isMeant}) as waiting,
      (select min(x.next_run_at) from worker.schedules x where x.job = j.job and not x.paused and ${isMeant}
        and x.account = any(${[...app.deps.accounts.keys()]}::text[])) as next_due_at,
      (select json_build_object('id', x.id, 'account', x.account, 'state', x.state, 'startedAt', x.started_at,
          'finishedAt', x.finished_at)
        from worker.runs x where x.job = j.job and ${isMeant} order by x.seq desc limit 1) as last_run
    from unnest(${names}::text[]) as j(job)`.execute(app.deps.store)
  return new Map(rows.map(row => [row.job, row]))
}

function stateOf(row: StateRow | undefined): Pick<JobReport, 'state' | 'nextDueAt' | 'lastRun'> {
  const states = (['running', 'held', 'waiting'] as const).filter(state => row?.[state])
  return {
    state: states[0] ?? 'idle',
    nextDueAt: row?.next_due_at?.toISOString() ?? null,
    lastRun: row?.last_run ? toIso(row.last_run) : null,
  }
}

/** Instants as everywhere else, not as Postgres writes them in JSON. */
function toIso(run: NonNullable<JobReport['lastRun']>): JobReport['lastRun'] {
  const { startedAt, finishedAt } = run
  return {
    ...run,
    startedAt: new Date(startedAt).toISOString(),
    finishedAt: finishedAt === null ? null : new Date(finishedAt).toISOString(),
  }
}
