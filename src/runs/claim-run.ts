import { sql } from 'kysely'
import type { KnownAccount } from '../gate/account-record.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { NoClaim } from '../states.ts'
import { gather } from '../store/gather.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'
import { type LineName, lineKey } from './line.ts'
import type { SlotRange } from './slots.ts'

/** A request that this process will run, with everything the gate needs. */
export interface ClaimedRun extends RunRow {
  /** This run is a probe of a hold. */
  readonly probed: boolean
}

/** How the store writes a run that has started, as one JSON value: drivers spend more on a column than on a field. */
export interface RunRow {
  readonly lease: Lease
  readonly requestId: string
  readonly payload: unknown
  readonly trigger: string
  /** Consecutive failed runs of this request that count. */
  readonly failures: number
  /** What is stored about the account; null before its first token. */
  readonly known: KnownAccount | null
  /** The trace that was kept with the request. */
  readonly kept: TraceHeaders | null
  /** The traces of requests that it has absorbed. */
  readonly absorbed: readonly TraceHeaders[]
}

export interface WantedClaim extends LineName, SlotRange {
  /** Chosen and announced before, so that a claim whose answer is lost is put back. */
  readonly runId: string
  readonly processId: string
  /** For a foreground run: only this request, and holds don't stop it. */
  readonly requestId?: string
}

type ClaimRow =
  | { readonly verdict: 'run'; readonly probed: boolean; readonly run: RunRow }
  | { readonly verdict: NoClaim }

const claim = gather<WantedClaim, ClaimRow>({
  answers: claims => sql`worker.claim_lines(${claims}) as answer`,
  columns: sql`answer.verdict, answer.probed, answer.run`,
  orderOf: lineKey,
})

/** Takes a line's lease, its first ready request and one of the account's slots, all or nothing, in one round trip. */
export async function claimRun(store: Store, wanted: WantedClaim): Promise<ClaimedRun | NoClaim> {
  const [row] = await claim(store, wanted)
  if (!row) throw new TypeError('worker.claim_lines answers with one row per claim')
  return row.verdict === 'run' ? { ...row.run, probed: row.probed } : row.verdict
}
