import { sql } from 'kysely'
import type { KnownAccount } from '../gate/account-record.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { NoClaim } from '../states.ts'
import { gather } from '../store/gather.ts'
import type { FirstLoginState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'
import { type LineName, lineKey } from './line.ts'
import type { SlotRange } from './slots.ts'

/** A request that this process will run, with everything the gate needs to start. */
export interface ClaimedRun {
  readonly lease: Lease
  readonly requestId: string
  readonly payload: unknown
  readonly trigger: string
  /** Consecutive failed runs of this request that count. */
  readonly failures: number
  /** This run is a probe of a hold. */
  readonly probed: boolean
  /** What is stored about the account; undefined before its first token. */
  readonly known: KnownAccount | undefined
  /** The trace that was kept with the request. */
  readonly kept: TraceHeaders | undefined
  /** The traces of requests that it has absorbed. */
  readonly absorbed: readonly TraceHeaders[]
}

/** What the store returns about a run that has started. */
export interface BegunRow extends LineName {
  readonly request_id: string
  readonly payload: unknown
  readonly trigger: string
  readonly failures: number
  readonly probed: boolean
  readonly issuer: string | null
  readonly subject: string
  readonly endpoint: string
  readonly first_login: FirstLoginState
  readonly trace: TraceHeaders | null
  readonly absorbed_traces: readonly TraceHeaders[] | null
}

interface ClaimRow extends Omit<BegunRow, keyof LineName> {
  readonly verdict: NoClaim | 'run'
}

const claim = gather<LineName & { run: string; process: string; request: string | undefined } & SlotRange, ClaimRow>({
  given: sql`account text, job text, run uuid, process uuid, "firstSlot" integer, slots integer, request text`,
  call: sql`worker.claim(given.account, given.job, given.run, given.process, given.slots, given.request,
      p_first_slot => given."firstSlot")`,
  columns: sql`answer.verdict, answer.request_id, answer.payload, answer.trigger, answer.failures, answer.probed,
    answer.issuer, answer.subject, answer.endpoint, answer.first_login, answer.trace, answer.absorbed_traces`,
  orderOf: lineKey,
})

/**
 * Takes a line's lease, its first ready request and one of the account's slots, all or nothing, in one round trip.
 *
 * @param claim.runId chosen and announced before, so that a claim whose answer is lost is put back
 * @param claim.requestId for a foreground run: only this request, and holds don't stop it
 */
export async function claimRun(
  store: Store,
  {
    line,
    runId,
    processId,
    firstSlot,
    slots,
    requestId,
  }: SlotRange & {
    readonly line: LineName
    readonly runId: string
    readonly processId: string
    readonly requestId?: string
  },
): Promise<ClaimedRun | NoClaim> {
  const { account, job } = line
  const [row] = await claim(store, {
    account,
    job,
    run: runId,
    process: processId,
    firstSlot,
    slots,
    request: requestId,
  })
  if (!row) throw new TypeError('worker.claim answers with one row')
  return row.verdict === 'run' ? asClaimedRun(runId, { ...row, account, job }) : row.verdict
}

export function asClaimedRun(runId: string, row: BegunRow): ClaimedRun {
  const { account, job, request_id: requestId, payload, trigger, failures, probed } = row
  const { issuer, subject, endpoint, first_login: firstLogin } = row
  const known = issuer === null ? undefined : { issuer, subject, endpoint, firstLogin }
  const { trace, absorbed_traces: absorbed } = row
  const traces = { kept: trace ?? undefined, absorbed: absorbed ?? [] }
  return { lease: { account, job, runId }, requestId, payload, trigger, failures, probed, known, ...traces }
}
