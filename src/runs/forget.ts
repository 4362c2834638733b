import { sql } from 'kysely'
import { UsageError } from '../errors.ts'
import { forgetReads } from '../sync/full/full-read-record.ts'
import { findMirrorTables } from '../sync/mirror/find-mirror-tables.ts'
import type { Lease } from './lease.ts'
import type { RunDeps } from './run-deps.ts'
import { wakeNext } from './wake.ts'

type ForgetDeps = Pick<RunDeps, 'store' | 'queue' | 'log' | 'leases' | 'jobs'>

/** Forgets the checkpoint, so that the next run reads everything; the mirrored rows stay until then. */
export async function resetJob(deps: ForgetDeps, account: string, job: string): Promise<void> {
  await underLeases(deps, account, [job], async () => {
    await deps.store.transaction().execute(async tx => {
      await forgetReads(tx, { account, job })
      await tx.deleteFrom('worker.holds').where('account', '=', account).where('job', '=', job).execute()
    })
  })
  await wakeNext(deps, account, job)
}

const accountTables = [
  'worker.holds',
  'worker.bootstrap_steps',
  'worker.runs',
  'worker.schedules',
  'worker.idempotency_keys',
  'worker.change_readers',
] as const

/** Forgets the account as if it had never logged in. Leases stay, because a fence number must never come again. */
export async function forgetAccount(deps: ForgetDeps, account: string): Promise<void> {
  const { store, jobs } = deps
  await underLeases(deps, account, [...jobs.keys()], () =>
    store.transaction().execute(async tx => {
      for (const table of accountTables) {
        await tx.deleteFrom(table).where('account', '=', account).execute()
      }
      await forgetReads(tx, { account })
      await tx.deleteFrom('worker.accounts').where('name', '=', account).execute()
      for (const table of await findMirrorTables(tx)) {
        await sql`delete from ${sql.id('mirror', table)} where _account = ${account}`.execute(tx)
      }
    }),
  )
}

/** Nothing of a job may be forgotten while it runs: the run would write it back. */
async function underLeases(
  { leases, log }: ForgetDeps,
  account: string,
  jobs: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const taken: Lease[] = []
  try {
    for (const job of jobs) {
      const lease = await leases.take(account, job)
      if (!lease)
        throw new UsageError({ found: `${job} is running for account "${account}"`, remedy: 'wait until it has ended' })
      taken.push(lease)
    }
    await work()
  } finally {
    for (const lease of taken) {
      await leases.release(lease).catch(error => log.warn({ error }, 'a lease is released a little later'))
    }
  }
}
