import { sql } from 'kysely'
import { InProgressError, UsageError } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import type { Observer } from '../observer/observer.ts'
import { type TraceHeaders, traceIdOf } from '../observer/trace-headers.ts'
import type { Priority, RequestState, Trigger } from '../states.ts'
import { type AccountRows, accountRows } from '../store/account-rows.ts'
import { callEach, gather } from '../store/gather.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import type { Line, LineName, Wake } from './line.ts'

/** What is stored about an account's requests and runs, in the order in which rows are locked. */
export const requestRows: readonly AccountRows[] = [
  accountRows('worker.idempotency_keys'),
  accountRows('worker.requests'),
  accountRows('worker.unreported_requests'),
  {
    table: sql.table('worker.run_progress'),
    belongTo: account => sql`run_id in (select id from worker.runs where account = ${account})`,
  },
  accountRows('worker.runs'),
]

export interface NewRequest extends LineName {
  readonly payload: unknown
  readonly trigger: Trigger
  readonly priority?: Priority | undefined
  /** Whose idempotency key it is; keys of different callers are independent. */
  readonly caller: string
  /** The same key and payload return the same request. */
  readonly idempotencyKey?: string | undefined
  /** Waits while another request with the key is being accepted; default true. */
  readonly waitsForKey?: boolean
  /** The trace that its runs belong to. */
  readonly trace?: TraceHeaders | null | undefined
}

/** The result of a request, committed. */
export interface Acceptance {
  readonly id: string
  /** True if an equal request was already waiting, or the key was known: nothing was added. */
  readonly absorbed: boolean
  /** What the first request with the key was told; without a key, the same as `absorbed`. */
  readonly saidAbsorbed: boolean
  /** The key was used with another payload. */
  readonly conflict: boolean
  /** The trace that was kept with the request which has absorbed this one. */
  readonly absorber: TraceHeaders | null
}

interface AcceptRow extends Omit<Acceptance, 'id'>, Pick<Line, 'fence'> {
  readonly id: string | null
  readonly free: boolean
}

type Asked = LineName & { readonly payload: string }

const add = gather<Asked, AcceptRow>({
  answers: requests => sql`worker.add_requests(${requests}) as answer`,
  columns: sql`answer.id, answer.absorbed, answer.absorbed as "saidAbsorbed", false as conflict, answer.kept as absorber,
    answer.fence, answer.free`,
})

const addWithKey = gather<Asked, AcceptRow>({
  answers: callEach(
    sql`id text, account text, job text, payload text, trigger text, priority text, caller text, key text, waits boolean,
      trace jsonb`,
    sql`worker.accept(given.id, given.account, given.job, given.payload::jsonb, given.trigger, given.priority, given.caller,
      given.key, null, null, given.waits, given.trace)`,
  ),
  columns: sql`answer.id, answer.absorbed, answer.said_absorbed as "saidAbsorbed", answer.conflict, answer.kept as absorber,
    answer.fence, answer.free`,
  orderOf: ({ account, job, payload }) => `${account}/${job}/${payload}`,
})

/**
 * Accepts a request. Once this resolves, the request is committed, whatever happens to the queue.
 *
 * @returns `wake` is the request's line, if nobody is running it
 * @throws UsageError if the payload can't be stored; InProgressError if another request with the key is being accepted and
 * `waits` is false
 */
export async function acceptRequest(
  store: Store,
  request: NewRequest,
): Promise<Acceptance & { readonly wake: readonly Line[] }> {
  const { account, job, payload, trigger, priority = 'normal', caller, idempotencyKey: key = null } = request
  const made = { id: crypto.randomUUID(), account, job, payload: JSON.stringify(payload), trigger, priority, caller }
  const asked = { ...made, key, waits: request.waitsForKey ?? true, trace: request.trace ?? null }
  const [row] = await (key === null ? add : addWithKey)(store, asked).catch(explainPayload)
  if (!row) throw new TypeError('each request is answered with one row')
  const { id, fence, free, ...told } = row
  if (id === null) throw keyInProgress(key)
  return { id, ...told, wake: free ? [{ account, job, fence }] : [] }
}

/** The same, and wakes its line. */
export async function requestRun(
  deps: { readonly store: Store; readonly wake: Wake; readonly observer: Observer },
  request: NewRequest,
): Promise<Acceptance> {
  const { observer } = deps
  const { account, job, trigger, trace: caller } = request
  const line = { job, account }
  return observer.during({ kind: 'request', line, trigger, caller }, async trace => {
    const { wake, ...acceptance } = await acceptRequest(deps.store, { ...request, trace })
    const { id, conflict, absorbed, absorber } = acceptance
    if (!conflict) {
      observer.requestAccepted(line, { request: id, trigger, absorbed, trace: trace && traceIdOf(trace), absorber })
    }
    deps.wake(wake)
    return acceptance
  })
}

function keyInProgress(key: string | null): InProgressError {
  return new InProgressError({
    found: `A request with idempotency key "${key}" is being accepted`,
    remedy: 'repeat this request in a second',
  })
}

/** SQLSTATE 22P05 and 22P02: JSON that jsonb can't store. */
function explainPayload(error: unknown): never {
  const state = sqlStateOf(error)
  if (state !== '22P05' && state !== '22P02') throw error
  throw new UsageError({
    found: 'The payload contains a NUL character or an unpaired surrogate, which Postgres cannot store',
    remedy: 'remove or encode it',
  })
}

/** Reserves a foreground run for a process: it is first in its line, isn't absorbed, and ends with the process. */
export async function reserveRequest(
  store: Store,
  wanted: LineName & { payload: unknown; trigger: string; processId: string; trace?: TraceHeaders | undefined },
): Promise<string> {
  const { account, job, payload, trigger, processId, trace } = wanted
  const id = `run-${crypto.randomUUID()}`
  await sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, rank, priority, reserved_for, trace)
    values (${id}, ${account}, ${job}, ${JSON.stringify(payload)}::jsonb, '', ${trigger}, 'cli', '-infinity', 'high', ${processId},
      ${trace ? JSON.stringify(trace) : null}::jsonb)`
    .execute(store)
    .catch(explainPayload)
  return id
}

/**
 * Cancels a waiting request, for everyone whose request it has absorbed, or asks the process of a running one to abort it.
 *
 * @returns the resulting state; undefined if there is no such request
 */
export async function cancelRequest(store: Store, id: string): Promise<RequestState | undefined> {
  const { rows } = await sql<{ state: RequestState | null }>`select worker.cancel(${id}) as state`.execute(store)
  return rows[0]?.state ?? undefined
}

/** Stores the progress of a run, as long as it holds its line. */
export async function reportProgress(store: Store, runId: string, progress: object): Promise<void> {
  await sql`${brief}
    insert into worker.run_progress (run_id, progress)
    select r.id, ${JSON.stringify(progress)}::jsonb
    from worker.runs r join worker.leases l on l.account = r.account and l.job = r.job and l.run_id = r.id
    where r.id = ${runId}
    on conflict (run_id) do update set progress = excluded.progress`.execute(store)
}
