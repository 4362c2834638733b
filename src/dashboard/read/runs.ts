import { sql } from 'kysely'
import { z } from 'zod'
import type { Reading } from '../../operations/operation.ts'
import type { RunState } from '../../states.ts'
import { isWanted } from '../../store/is-wanted.ts'
import { own } from './reading.ts'

export interface RunRow {
  readonly id: string
  readonly seq: string
  readonly request_id: string
  readonly account: string
  readonly job: string
  readonly trigger: string
  readonly caller: string | null
  readonly attempt: number
  readonly state: RunState
  readonly from_position: string | null
  readonly to_position: string | null
  readonly counts: Readonly<Record<string, number>> | null
  readonly error_code: string | null
  readonly error_found: string | null
  readonly error_remedy: string | null
  readonly started_at: Date
  readonly finished_at: Date | null
  readonly ms: number | null
}

export interface RunFilter {
  readonly account?: string | undefined
  readonly job?: string | undefined
  readonly state?: RunState | undefined
  readonly trigger?: string | undefined
  /** Began at this instant or later, and before the other. */
  readonly since?: Date | undefined
  readonly until?: Date | undefined
  /** Only runs that began before the one at this place. */
  readonly before?: string | undefined
  readonly limit: number
}

export interface FoundRuns {
  readonly runs: readonly RunRow[]
  /** The place from which to look further; undefined where there is nothing further. */
  readonly next: string | undefined
  /** The page reached its limit of runs to search before it was full. */
  readonly isPartial: boolean
}

/** Runs that one page searches: a filter that matches few must not read a million. */
const mostLookedAt = 50_000

const columns = sql`
  r.id, r.seq::text as seq, r.request_id, r.account, r.job, r.trigger, r.caller, r.attempt, r.state, r.from_position,
  r.to_position, r.counts, r.error_code, r.error_found, r.error_remedy, r.started_at, r.finished_at,
  (extract(epoch from coalesce(r.finished_at, now()) - r.started_at) * 1000)::float8 as ms`

/** The newest first. */
export async function findRuns(reading: Reading, filter: RunFilter): Promise<FoundRuns> {
  const { account, job, state, trigger, since, until, before, limit } = filter
  const { store } = reading.deps
  const { rows: ends } = await sql<{ newest: string | null; oldest: string | null }>`
    select max(seq)::text as newest, min(seq)::text as oldest from worker.runs
    where ${before === undefined ? sql`true` : sql`seq < ${before}::bigint`}`.execute(store)
  const { newest = null, oldest = null } = ends[0] ?? {}
  if (newest === null || oldest === null) return { runs: [], next: undefined, isPartial: false }
  const from = BigInt(newest) - BigInt(mostLookedAt)
  const { rows } = await sql<RunRow>`
    select ${columns} from worker.runs r
    where r.seq > ${from.toString()}::bigint and r.seq <= ${newest}::bigint
      and ${own(reading, 'r.account')} and ${isWanted('r.account', account)} and ${isWanted('r.job', job)}
      and ${isWanted('r.state', state)} and ${isWanted('r.trigger', trigger)}
      and ${since ? sql`r.started_at >= ${since}` : sql`true`} and ${until ? sql`r.started_at < ${until}` : sql`true`}
    order by r.seq desc limit ${limit + 1}`.execute(store)
  const runs = rows.slice(0, limit)
  if (rows.length > limit) return { runs, next: runs.at(-1)?.seq, isPartial: false }
  const hasOlder = BigInt(oldest) <= from
  return { runs, next: hasOlder ? (from + 1n).toString() : undefined, isPartial: hasOlder }
}

export async function findRun(reading: Reading, id: string): Promise<RunRow | undefined> {
  // Postgres raises an error for anything but a uuid.
  if (!z.guid().safeParse(id).success) return undefined
  const { rows } = await sql<RunRow>`
    select ${columns} from worker.runs r where r.id = ${id} and ${own(reading, 'r.account')}`.execute(
    reading.deps.store,
  )
  return rows[0]
}

/** Its attempts, the newest first. */
export async function findRunsOfRequest(reading: Reading, requestId: string): Promise<readonly RunRow[]> {
  const { rows } = await sql<RunRow>`
    select ${columns} from worker.runs r where r.request_id = ${requestId} and ${own(reading, 'r.account')}
    order by r.seq desc limit 20`.execute(reading.deps.store)
  return rows
}

export interface ActiveRow {
  readonly id: string
  readonly account: string
  readonly job: string
  readonly request_id: string
  readonly trigger: string
  readonly started_at: Date
  readonly progress: unknown
}

/** Active runs, the longest first; `total` counts all. */
export async function findActive(
  reading: Reading,
  {
    account,
    job,
    limit,
  }: { readonly account?: string | undefined; readonly job?: string | undefined; readonly limit: number },
): Promise<{ readonly active: readonly ActiveRow[]; readonly total: number }> {
  const { rows } = await sql<ActiveRow & { total: number }>`
    select r.id, r.account, r.job, r.request_id, r.trigger, r.started_at, p.progress, count(*) over ()::int as total
    from worker.leases l
    join worker.runs r on r.id = l.run_id
    left join worker.run_progress p on p.run_id = r.id
    where l.run_id is not null and ${own(reading, 'l.account')} and ${isWanted('l.account', account)} and ${isWanted('l.job', job)}
    order by r.started_at, r.seq limit ${limit}`.execute(reading.deps.store)
  return { active: rows, total: rows[0]?.total ?? 0 }
}

/** Durations in milliseconds and rows of the last runs of each of these jobs among the newest, the oldest first: for charts. */
export async function findHistory(
  reading: Reading,
  jobs: readonly string[],
  account: string | undefined,
): Promise<ReadonlyMap<string, readonly { readonly ms: number; readonly rows: number; readonly state: RunState }[]>> {
  const { rows } = await sql<{ job: string; ms: number | null; rows: number | null; state: RunState }>`
    select j.job, x.* from unnest(${jobs}::text[]) as j(job)
    cross join lateral (
      select r.state, (extract(epoch from r.finished_at - r.started_at) * 1000)::float8 as ms,
        coalesce((r.counts ->> 'inserted')::float8, 0) + coalesce((r.counts ->> 'updated')::float8, 0)
          + coalesce((r.counts ->> 'deleted')::float8, 0) as rows
      from (
        select * from worker.runs q
        where q.job = j.job and ${own(reading, 'q.account')} and ${isWanted('q.account', account)} and q.state <> 'running'
          and q.seq > (select max(seq) - ${mostLookedAt} from worker.runs)
        order by q.seq desc limit 30
      ) r
    ) x`.execute(reading.deps.store)
  const histories = new Map<string, { ms: number; rows: number; state: RunState }[]>()
  for (const { job, ms, rows: changed, state } of rows) {
    const history = histories.get(job) ?? []
    histories.set(job, history)
    history.unshift({ ms: ms ?? 0, rows: changed ?? 0, state })
  }
  return histories
}

const progressSchema = z.object({
  done: z.number(),
  total: z.number().optional(),
  rowsPerSecond: z.number().optional(),
  etaSeconds: z.number().optional(),
})

export function readProgress(progress: unknown): z.infer<typeof progressSchema> | undefined {
  return progressSchema.safeParse(progress).data
}
