import { ledgerNames } from '../jobs/names.ts'
import type { Accepted, ForegroundRun, Order } from '../record.ts'
import type { Row } from '../store.ts'
import type { World } from '../world.ts'

export interface JudgeDeps {
  readonly world: Pick<World, 'onStore'>
  readonly accepted: readonly Accepted[]
  readonly orders: readonly Order[]
  readonly foreground: readonly ForegroundRun[]
  violate(promise: string, found: string): void
}

/** Checks everything that can be checked once all workers have stopped. */
export async function judge(deps: JudgeDeps): Promise<void> {
  for (const { promise, statement, values, tell } of verdicts(deps)) {
    const rows = await deps.world.onStore(statement, values ?? [])
    for (const row of rows.slice(0, shownAtMost)) deps.violate(promise, tell(row))
    if (rows.length > shownAtMost) deps.violate(promise, `… and ${rows.length - shownAtMost} more`)
  }
}

/** No id is given to two different requests, not even by a store that lost the first one. */
export function judgeIds(accepted: readonly Accepted[], violate: JudgeDeps['violate']): void {
  const wishes = new Map<string, string>()
  for (const { id, account, job, payload } of accepted) {
    const wish = JSON.stringify([account, job, payload])
    if ((wishes.get(id) ?? wish) !== wish)
      violate('accepted is committed', `id ${id} was given to two different requests`)
    wishes.set(id, wish)
  }
}

const shownAtMost = 5

/** Each row of the result is a violation. */
interface Verdict {
  readonly promise: string
  readonly statement: string
  readonly values?: readonly unknown[]
  tell(row: Row): string
}

/** For each accepted request: what its caller asked for, and the request that did the work. */
const acceptedRequests = `
  with accepted as (
    select a.id, a.account, a.job, a.payload, a.key, to_timestamp(a.asked_at / 1000.0) as asked_at, worker.successor(a.id) as ended_as
    from jsonb_to_recordset($1::jsonb)
      as a(id text, account text, job text, payload jsonb, key text, asked_at float8)
  )`

export function acceptedValues(accepted: readonly Accepted[]): readonly [string] {
  return [JSON.stringify(accepted.map(({ askedAt, toldAt: _, ...rest }) => ({ ...rest, asked_at: askedAt })))]
}

function verdicts({ accepted, orders, foreground }: JudgeDeps): readonly Verdict[] {
  const values = acceptedValues(accepted)
  return [
    {
      promise: 'accepted is committed',
      statement: `${acceptedRequests} select a.* from accepted a where not exists (
        select from worker.requests r where r.id = a.id and r.account = a.account and r.job = a.job and r.payload = a.payload)`,
      values,
      tell: row =>
        `request ${row.id} of ${row.account}/${row.job} isn't in the store, or differs from what its caller asked for`,
    },
    {
      promise: 'accepted is committed',
      statement: `select o.id, r.id as request_id from jsonb_to_recordset($1::jsonb) as w(id text, request_id text, is_known boolean)
        left join chaos.orders o on o.id = w.id left join worker.requests r on r.id = w.request_id
        where (w.is_known and o.id is null) or (o.id is not null and r.id is null)`,
      values: [
        JSON.stringify(orders.map(({ id, requestId, isKnown }) => ({ id, request_id: requestId, is_known: isKnown }))),
      ],
      tell: row => `a transaction that made a request by SQL is incomplete: row ${row.id}, request ${row.request_id}`,
    },
    {
      promise: 'accepted requests end',
      statement: `${acceptedRequests} select a.id, a.account, a.job, r.state, r.error_code, r.error_found, r.due_at, r.failures
        from accepted a join worker.requests r on r.id = a.ended_as where r.state <> 'done'`,
      values,
      tell: row =>
        `request ${row.id} of ${row.account}/${row.job} is ${row.state}${row.error_code ? ` (${row.error_code}: ${row.error_found})` : ` (due ${row.due_at}, ${row.failures} failures)`}`,
    },
    {
      promise: 'accepted requests end',
      statement: `${acceptedRequests} select a.id, a.account, a.job, a.asked_at from accepted a
        join worker.requests r on r.id = a.ended_as and r.state = 'done'
        where not exists (
          select from chaos.commits c where c.request_id = r.id and c.payload = a.payload and c.begun_at >= a.asked_at)`,
      values,
      tell: row =>
        `request ${row.id} of ${row.account}/${row.job}, made at ${row.asked_at}, is done without a run since then`,
    },
    {
      // Also after a loss: a request that is done in this store must have a commit in this store.
      promise: 'accepted requests end',
      statement: `select r.id, r.account, r.job from worker.requests r where r.state = 'done' and r.job = any($1)
        and not exists (select from chaos.commits c where c.request_id = r.id)`,
      values: [ledgerNames],
      tell: row => `request ${row.id} of ${row.account}/${row.job} is done, but none of its runs has committed`,
    },
    {
      promise: 'accepted requests end',
      statement: `select o.id, o.request_id from chaos.orders o join worker.requests r on r.id = worker.successor(o.request_id)
        where r.state = 'done' and not o.is_restored and not exists (
          select from chaos.commits c where c.request_id = r.id and c.begun_at >= pg_xact_commit_timestamp(o.xmin))`,
      tell: row => `request ${row.request_id} ran before the transaction that made it was committed, but not after`,
    },
    {
      promise: 'accepted requests end',
      statement: `select w.entry from unnest($1::text[]) w(entry)
        where not exists (select from chaos.commits c where c.payload ->> 'entry' = w.entry)`,
      values: [foreground.map(({ entry }) => entry)],
      tell: row => `a foreground run reported success but committed nothing (${row.entry})`,
    },
    {
      promise: 'pauses hold',
      statement: 'select id, account, job, at from chaos.requests_log where in_asked_pause',
      tell: row =>
        `request ${row.id} of ${row.account}/${row.job} was claimed at ${row.at}, during a pause that the API asked for`,
    },
    {
      promise: 'an account has no more runs than slots',
      statement: 'select account, job, slot, at from chaos.slots_log',
      tell: row => `${row.account}/${row.job} took slot ${row.slot} at ${row.at}`,
    },
    {
      promise: 'one key, one request',
      statement: `${acceptedRequests} select a.key, count(distinct a.id) as requests from accepted a where a.key is not null
        group by a.key having count(distinct a.id) > 1`,
      values,
      tell: row => `key ${row.key} made ${row.requests} requests`,
    },
    {
      promise: 'two runs never commit',
      statement: `select c.account, c.job, c.value, n.commits from chaos.counters c
        join (select account, job, count(*) as commits from chaos.commits group by account, job) n using (account, job)
        where n.commits <> c.value`,
      tell: row => `${row.account}/${row.job} has counter ${row.value} after ${row.commits} commits: some overlapped`,
    },
    {
      promise: 'two runs never commit',
      statement: `select account, job, request_id, run_begun, run_held from chaos.commits where run_begun is distinct from run_held`,
      tell: row => `run ${row.run_begun} of ${row.account}/${row.job} committed while ${row.run_held} held the lease`,
    },
    {
      promise: 'two runs never commit',
      statement: `select account, job, run_begun, count(*) as commits from chaos.commits group by account, job, run_begun
        having count(*) > 1`,
      tell: row => `run ${row.run_begun} of ${row.account}/${row.job} committed ${row.commits} times`,
    },
    {
      promise: 'change feed',
      statement: 'select position, count(*) as times from chaos.followed group by position having count(*) > 1',
      tell: row => `the follower saw change ${row.position} ${row.times} times`,
    },
    {
      promise: 'change feed',
      statement: `select f.seq, f.position from (
          select seq, position, max(position) over (order by seq rows between unbounded preceding and 1 preceding) as before
          from chaos.followed) f where f.position < f.before`,
      tell: row => `the follower saw change ${row.position} after a later one`,
    },
    {
      promise: 'change feed',
      statement: `select m.id, m._account, m._change from mirror.articles m
        where not exists (select from chaos.followed f where f.position = m._change)
          and m._change <= (select coalesce(max(position), 0) from worker.change_readers where reader = 'chaos')`,
      tell: row => `the follower never saw change ${row._change} (${row._account}, ${row.id})`,
    },
    {
      promise: 'schedules',
      // The very first interval is longer, to spread lines that started together.
      statement: `select * from chaos.ticks_log
        where not is_first and round(extract(epoch from due - due_was)::float8 / substring(rule from 'every ([0-9.]+) s')::float8)
          <> missed + made::int`,
      tell: row =>
        `${row.account}/${row.job} went from ${row.due_was} to ${row.due} (${row.rule}) with ${row.missed} counted as missed and ${row.made ? 'one request' : 'no request'}`,
    },
    {
      promise: 'schedules',
      statement: `select t.account, t.job, t.due_was from chaos.ticks_log t where t.made and not exists (
        select from chaos.requests_log r where r.xid = t.xid and r.account = t.account and r.job = t.job)`,
      tell: row => `${row.account}/${row.job} ticked for ${row.due_was} without a request`,
    },
    {
      promise: 'a living process keeps its runs',
      statement: `select i.run_id, i.process, i.found, i.at from chaos.interruptions_log i where i.alive and i.found like 'The process that ran it%'
        and not exists (select from chaos.overdue_log o
          where o.process = i.process and o.at between i.at - interval '15 s' and i.at + interval '15 s')`,
      tell: row => `run ${row.run_id} was ended at ${row.at} as a dead process's, but process ${row.process} was alive`,
    },
    {
      promise: 'pauses hold',
      statement: `select id, account, job, at, due_was from chaos.requests_log
        where was = 'waiting' and due_was > at + interval '1 ms' and (state = 'running' or (state = 'waiting' and due is null))`,
      tell: row =>
        `request ${row.id} of ${row.account}/${row.job} had to wait until ${row.due_was}, but was claimed at ${row.at}`,
    },
    {
      promise: 'pauses hold',
      statement: `select l.id, l.account, l.job, l.at, r.error_code from chaos.requests_log l join worker.runs r on r.id = l.run_id
        where l.was = 'running' and l.state = 'waiting' and l.due is null and r.state = 'failed'`,
      tell: row =>
        `request ${row.id} of ${row.account}/${row.job} failed (${row.error_code}) and was ready again without a pause`,
    },
    {
      promise: 'holds lift',
      statement: 'select account, job, code, found, probe_at from worker.holds',
      tell: row => `${row.account}/${row.job || 'all jobs'} is held (${row.code}: ${row.found}) until ${row.probe_at}`,
    },
  ]
}
