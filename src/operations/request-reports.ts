import { sql } from 'kysely'
import { z } from 'zod'
import { renderExplanation } from '../explanation.ts'
import { priorities, type RequestState, requestStates } from '../states.ts'
import { isWanted } from '../store/is-wanted.ts'
import { isOwn } from './bound-caller.ts'
import { explainWaiting, holdOf, type WaitingFacts } from './explain-waiting.ts'
import type { Reading } from './operation.ts'
import { parsePlace } from './pages.ts'
import { listRunsOfRequest, runReportSchema } from './run-reports.ts'

export const requestSummarySchema = z.object({
  id: z.string(),
  /** Its number in the order of creation. */
  seq: z.string(),
  job: z.string(),
  account: z.string(),
  state: z.enum(requestStates),
  trigger: z.string(),
  /** Who made it: `http:<client>/<subject>` of the token, `sql:<user>`, `cli`; empty for the worker itself, absent over HTTP. */
  caller: z.string().optional(),
  priority: z.enum(priorities),
  /** Consecutive failed runs. */
  failures: z.int(),
  requestedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Why it isn't running; absent unless it waits. */
  waitsFor: z.string().optional(),
  hold: z.object({ code: z.string(), reason: z.string() }).optional(),
  failedReason: z.string().optional(),
  progress: z.unknown().optional(),
})
export type RequestSummary = z.infer<typeof requestSummarySchema>

export const requestReportSchema = z.object({ ...requestSummarySchema.shape, runs: z.array(runReportSchema) })
export type RequestReport = z.infer<typeof requestReportSchema>

export interface RequestFilter {
  readonly state?: RequestState | undefined
  readonly job?: string | undefined
  readonly account?: string | undefined
  /** Only requests made before the one with this number. */
  readonly after?: string | undefined
  readonly limit: number
}

/** A request with everything that decides whether it may run: "why isn't it running" is one query. */
interface RequestRow extends WaitingFacts {
  readonly id: string
  readonly seq: string
  readonly trigger: string
  readonly caller: string
  readonly priority: 'high' | 'normal' | 'low'
  readonly requested_at: Date
  readonly ended_at: Date | null
  readonly error_code: string | null
  readonly error_found: string | null
  readonly error_remedy: string | null
  readonly progress: unknown
  readonly hold_code: string | null
}

const columns = sql`
  r.id, r.seq::text as seq, r.account, r.job, r.state, r.trigger, r.caller, r.priority, r.failures, r.interruptions, r.requested_at, r.ended_at,
  r.error_code, r.error_found, r.error_remedy, p.progress,
  to_char(nullif(r.due_at, 'infinity') at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as due_at,
  r.due_at > now() as is_due_later,
  case when r.due_at = 'infinity' then (
    select s.job from worker.requests s
    where s.bootstrap_id = r.id and s.account = r.account and s.state in ('waiting', 'running') limit 1) end as step,
  h.code as hold_code, h.found as hold_found, h.remedy as hold_remedy, h.probe_at as hold_until,
  coalesce(h.probe_at > now(), false) as is_held,
  l.run_id is not null or l.occupied_by is not null as is_busy,
  case when r.state = 'waiting' then (
    select count(*)::int from (
      select from worker.requests f
      where f.account = r.account and f.job = r.job and f.state = 'waiting' and f.due_at is null
        and (f.rank, f.seq) < (r.rank, r.seq) limit 1000) first) else 0 end as ahead,
  (select count(distinct o.slot)::int from worker.leases o
    join worker.living_lines() v on v.account = r.account and v.job = r.job
    where o.account = r.account and o.slot >= v.first_slot and o.slot < v.first_slot + v.slots) as in_its_slots,
  (select max(v.slots) from worker.living_lines() v where v.account = r.account and v.job = r.job) as slots,
  case when r.state = 'waiting' then (
    select k.pid from pg_catalog.pg_locks k
    where k.locktype = 'transactionid' and k.granted and k.transactionid = r.last_locked_by limit 1) end as locked_by`

const joins = sql`
  left join worker.run_progress p on p.run_id = r.run_id
  left join worker.leases l on l.account = r.account and l.job = r.job
  left join lateral (select * from worker.holds_of(r.account, r.job) x order by x.probe_at desc limit 1) h on r.state = 'waiting'`

/** @returns undefined if the caller has none; for a superseded one, the request that does its work */
export async function findRequest(app: Reading, id: string): Promise<RequestReport | undefined> {
  const { store } = app.deps
  const { rows } = await sql<RequestRow>`
    select ${columns} from (select q.*, q.xmax as last_locked_by from worker.requests q) r ${joins}
    where r.id = worker.successor(${id}) and ${isOwn(sql`r.account`, app)}`.execute(store)
  const [row] = rows
  return row && { ...summarize(row), runs: await listRunsOfRequest(store, row.id) }
}

/** The requests that match a filter, newest first. */
export async function listRequests(app: Reading, filter: RequestFilter): Promise<readonly RequestSummary[]> {
  const { state, job, account, after, limit } = filter
  const { rows } = await sql<RequestRow>`
    select ${columns} from (
      select q.*, q.xmax as last_locked_by from worker.requests q
      where ${state === undefined ? sql`q.state <> 'superseded'` : sql`q.state = ${state}`}
        and ${isWanted('q.job', job)} and ${isWanted('q.account', account)}
        and ${after === undefined ? sql`true` : sql`q.seq < ${parsePlace(after)}`}
        and ${isOwn(sql`q.account`, app)}
      order by q.seq desc limit ${limit}
    ) r ${joins} order by r.seq desc`.execute(app.deps.store)
  return rows.map(summarize)
}

function summarize(row: RequestRow): RequestSummary {
  const why = explainWaiting(row)
  return {
    id: row.id,
    seq: row.seq,
    job: row.job,
    account: row.account,
    state: row.state,
    trigger: row.trigger,
    caller: row.caller,
    priority: row.priority,
    failures: row.failures,
    requestedAt: row.requested_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    ...(why && { waitsFor: why }),
    ...(row.hold_code !== null && {
      hold: { code: row.hold_code, reason: renderExplanation(holdOf(row)) },
    }),
    ...(row.error_found !== null &&
      row.state === 'failed' && {
        failedReason: renderExplanation({ found: row.error_found, remedy: row.error_remedy ?? undefined }),
      }),
    ...(row.progress !== null && { progress: row.progress }),
  }
}
