import { sql } from 'kysely'
import type { KnownAccount } from '../gate/account-record.ts'
import type { NoClaim } from '../states.ts'
import { gather } from '../store/gather.ts'
import type { FirstLoginState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'
import { type LineName, lineKey } from './line.ts'

/** A request that this process is to run, with all that the gate needs to begin. */
export interface ClaimedRun {
  readonly lease: Lease
  readonly requestId: string
  readonly payload: unknown
  readonly trigger: string
  /** Runs of this request in a row that failed and count. */
  readonly failures: number
  /** It goes to see whether a hold is over. */
  readonly probed: boolean
  /** What is remembered of the account; undefined before its first token. */
  readonly known: KnownAccount | undefined
}

/** What the store tells of a run that has begun. */
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
}

interface ClaimRow extends Omit<BegunRow, keyof LineName> {
  readonly verdict: NoClaim | 'run'
}

const claim = gather<LineName & { run: string; process: string; slots: number; request: string | undefined }, ClaimRow>(
  {
    given: sql`account text, job text, run uuid, process uuid, slots integer, request text`,
    call: sql`worker.claim(given.account, given.job, given.run, given.process, given.slots, given.request)`,
    columns: sql`answer.verdict, answer.request_id, answer.payload, answer.trigger, answer.failures, answer.probed,
    answer.issuer, answer.subject, answer.endpoint, answer.first_login`,
    orderOf: lineKey,
  },
)

/**
 * Takes a line's lease, its first ready request and one of the account's slots, or nothing of it: one exchange.
 *
 * @param claim.runId chosen and announced before, so that a claim whose answer is lost is put back
 * @param claim.requestId of a foreground run: that one and no other, and holds don't stop it
 */
export async function claimRun(
  store: Store,
  {
    line,
    runId,
    processId,
    slots,
    requestId,
  }: {
    readonly line: LineName
    readonly runId: string
    readonly processId: string
    readonly slots: number
    readonly requestId?: string
  },
): Promise<ClaimedRun | NoClaim> {
  const { account, job } = line
  const [row] = await claim(store, { account, job, run: runId, process: processId, slots, request: requestId })
  if (!row) throw new TypeError('worker.claim answers with one row')
  return row.verdict === 'run' ? asClaimedRun(runId, { ...row, account, job }) : row.verdict
}

export function asClaimedRun(runId: string, row: BegunRow): ClaimedRun {
  const { account, job, request_id: requestId, payload, trigger, failures, probed } = row
  const { issuer, subject, endpoint, first_login: firstLogin } = row
  const known = issuer === null ? undefined : { issuer, subject, endpoint, firstLogin }
  return { lease: { account, job, runId }, requestId, payload, trigger, failures, probed, known }
}
