import { sql } from 'kysely'
import { readerRows } from '../changes/reader-position.ts'
import { NotFoundError, UsageError } from '../errors.ts'
import { accountRecordRows } from '../gate/account-record.ts'
import { holdRows } from '../holds/holds.ts'
import { liveRows } from '../live/live-lease.ts'
import { findMirrorRows } from '../mirror/find-mirror-tables.ts'
import { missingRowsRows } from '../mirror/missing-rows.ts'
import { explainUnknown } from '../names/find-named.ts'
import { checkpointRows } from '../pull/checkpoint.ts'
import { fullReadRows } from '../pull/full/full-read-record.ts'
import { leaseRows } from '../runs/lease.ts'
import { requestRows } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { scheduleRows } from '../schedules/scheduler.ts'
import { findServer, servedLineRows } from '../serving/served-lines.ts'
import { type AccountRows, deleteAccountRows, hasAccountRows } from '../store/account-rows.ts'
import { webhookRows } from '../webhooks/subscription.ts'
import { eraseFromAudit } from './erase-from-audit.ts'
import { type FreeLinesDeps, withFreeLines } from './free-lines.ts'

export interface ForgetDeps extends FreeLinesDeps, Pick<RunDeps, 'jobs' | 'accounts'> {
  /** Set if the queue is on Redis. */
  readonly dropTickets?: ((account: string) => Promise<void>) | undefined
}

/**
 * Everything but mirrored rows, in the order of deletion. Checkpoints go first, so that if the command crashes, a later run reads
 * everything again.
 */
const recordedRows: readonly AccountRows[] = [
  checkpointRows,
  ...fullReadRows,
  missingRowsRows,
  readerRows,
  webhookRows,
  liveRows,
  scheduleRows,
  ...requestRows,
  holdRows,
  servedLineRows,
]

/** These go last: they show an interrupted `forget` and keep the lines free. */
const lastRows: readonly AccountRows[] = [leaseRows, accountRecordRows]

/**
 * Deletes everything stored about an account, as if it had never logged in. The next call completes an interrupted one.
 *
 * @param options.configured forget it although this process or a worker has it configured: it starts again
 * @throws UsageError if the account is configured or one of its jobs is running; NotFoundError if nothing is stored about it
 */
export async function forgetAccount(
  deps: ForgetDeps,
  account: string,
  { configured }: { readonly configured: boolean },
): Promise<void> {
  const { store, accounts } = deps
  if (!configured) await requireUnconfigured(deps, account)
  const tables = [...recordedRows, ...lastRows, ...(await findMirrorRows(store))]
  if (!accounts.has(account) && !(await hasAccountRows(store, tables, account))) {
    throw new NotFoundError(explainUnknown('account', account, accounts.keys()))
  }
  await withFreeLines(deps, account, await findJobs(deps, account), async () => {
    await deps.dropTickets?.(account)
    for (const rows of [...recordedRows, ...(await findMirrorRows(store))]) {
      await deleteAccountRows(store, rows, account)
    }
    await eraseFromAudit(store, account)
    await store.transaction().execute(async tx => {
      for (const rows of lastRows) await deleteAccountRows(tx, rows, account)
    })
  })
}

async function requireUnconfigured({ store, accounts }: ForgetDeps, account: string): Promise<void> {
  const server = await findServer(store, account)
  if (!server && !accounts.has(account)) return
  const where = server ? `: the worker on ${server.host} (process ${server.pid}) serves it` : ''
  throw new UsageError({
    found: `Account "${account}" is still configured${where}`,
    remedy: `remove it from ACCOUNTS_FILE or the environment to forget it for good, or run "npm run -s cli -- forget ${account} --configured" to let it start again`,
  })
}

/** Those of every version that has run for the account, not only those that this process knows. */
async function findJobs({ store, jobs }: ForgetDeps, account: string): Promise<readonly string[]> {
  const { rows } = await sql<{ job: string }>`
    select job from worker.leases where account = ${account}
    union select job from worker.requests where account = ${account}
    union select job from worker.served_lines where account = ${account}`.execute(store)
  return [...new Set([...jobs.keys(), ...rows.map(({ job }) => job)])]
}
