import { sql } from 'kysely'
import { TransientError } from '../errors.ts'
import { accountRows } from '../store/account-rows.ts'
import type { FencedTransaction } from '../store/store.ts'

export const readerRows = accountRows('worker.change_readers')

/** A reader, and the request whose run follows it. */
export interface ReaderClaim {
  readonly reader: string
  readonly mirror: string
  /** '' for all accounts. */
  readonly account: string
  readonly requestId: string
}

export interface Move {
  readonly from: string
  readonly to: string
}

/**
 * Claims the reader, unless a run of a live process follows it: then that run is asked to look once more.
 *
 * @returns the position to read after; undefined if another run follows the reader
 */
export async function claimReader(tx: FencedTransaction, claim: ReaderClaim): Promise<string | undefined> {
  const isTaken = sql<boolean>`(r.request_id <> excluded.request_id and exists (
    select from worker.runs u join worker.living_processes() p on p.id = u.process
    where u.request_id = r.request_id and u.state = 'running'))`
  const { rows } = await sql<{ position: string; is_ours: boolean }>`
    insert into worker.change_readers as r (reader, mirror, account, position, request_id)
    values (${claim.reader}, ${claim.mirror}, ${claim.account}, 0, ${claim.requestId})
    on conflict (reader, mirror, account) do update set
      request_id = case when ${isTaken} then r.request_id else excluded.request_id end,
      look_again = ${isTaken}
    returning position::text, request_id = ${claim.requestId} as is_ours`.execute(tx)
  return rows.find(row => row.is_ours)?.position
}

/** @returns false if this run was asked to look once more and therefore keeps the reader */
export async function releaseReader(tx: FencedTransaction, claim: ReaderClaim, { from, to }: Move): Promise<boolean> {
  const { rows } = await sql<{ released: boolean }>`
    update worker.change_readers as r set position = ${to}, look_again = false, updated_at = now(),
      request_id = case when r.look_again then r.request_id end
    where ${isAt(claim, from)}
    returning request_id is null as released`.execute(tx)
  const [released] = rows
  if (!released) throw wasMoved(claim)
  return released.released
}

export async function moveReader(tx: FencedTransaction, claim: ReaderClaim, { from, to }: Move): Promise<void> {
  const { numAffectedRows } = await sql`
    update worker.change_readers as r set position = ${to}, updated_at = now() where ${isAt(claim, from)}`.execute(tx)
  if (numAffectedRows !== 1n) throw wasMoved(claim)
}

/** A position moves only from where it was read, and only for the run that follows the reader. */
function isAt({ reader, mirror, account, requestId }: ReaderClaim, position: string) {
  return sql`r.reader = ${reader} and r.mirror = ${mirror} and r.account = ${account}
    and r.request_id = ${requestId} and r.position = ${position}`
}

function wasMoved({ reader, mirror }: ReaderClaim): TransientError {
  return new TransientError('reader-moved', {
    found: `Another run took over reader "${reader}" of mirror.${mirror} while this run handled a page`,
    remedy: 'this run committed nothing of that page; its request is retried automatically',
  })
}
