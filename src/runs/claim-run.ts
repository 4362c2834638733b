import { sql } from 'kysely'
import type { KnownAccount } from '../gate/account-record.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { NoClaim } from '../states.ts'
import { gather } from '../store/gather.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'
import { type LineName, lineKey } from './line.ts'
import type { SlotRange } from './slots.ts'

/** What the store returns about a run that has started: everything the gate needs. */
export interface BegunRun {
  readonly requestId: string
  readonly payload: unknown
  readonly trigger: string
  /** Consecutive failed runs of this request that count. */
  readonly failures: number
  /** This run is a probe of a hold. */
  readonly probed: boolean
  /** What is stored about the account; null before its first token. */
  readonly known: KnownAccount | null
  /** The trace that was kept with the request. */
  readonly kept: TraceHeaders | null
  /** The traces of requests that it has absorbed. */
  readonly absorbed: readonly TraceHeaders[]
}

/** `BegunRun`, as columns of `answer`. */
export const begunColumns = sql`answer.request_id as "requestId", answer.payload, answer.trigger, answer.failures,
  answer.probed, answer.trace as kept, coalesce(answer.absorbed_traces, '[]') as absorbed,
  case when answer.issuer is not null then jsonb_build_object('issuer', answer.issuer, 'subject', answer.subject,
    'endpoint', answer.endpoint, 'firstLogin', answer.first_login) end as known`

/** A request that this process will run. */
export interface ClaimedRun extends BegunRun {
  readonly lease: Lease
}

export interface WantedClaim extends LineName, SlotRange {
  /** Chosen and announced before, so that a claim whose answer is lost is put back. */
  readonly runId: string
  readonly processId: string
  /** For a foreground run: only this request, and holds don't stop it. */
  readonly requestId?: string
}

const claim = gather<WantedClaim, BegunRun & { readonly verdict: NoClaim | 'run' }>({
  answers: claims => sql`worker.claim_lines(${claims}) as answer`,
  columns: sql`answer.verdict, ${begunColumns}`,
  orderOf: lineKey,
})

/** Takes a line's lease, its first ready request and one of the account's slots, all or nothing, in one round trip. */
export async function claimRun(store: Store, wanted: WantedClaim): Promise<ClaimedRun | NoClaim> {
  const [row] = await claim(store, wanted)
  if (!row) throw new TypeError('worker.claim_lines answers with one row per claim')
  const { verdict, ...run } = row
  const { account, job, runId } = wanted
  return verdict === 'run' ? { ...run, lease: { account, job, runId } } : verdict
}
