import { sql } from 'kysely'
import { UsageError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import { forgetReads } from '../sync/full/full-read-record.ts'
import { findMirrorTables } from '../sync/mirror/find-mirror-tables.ts'
import type { Line } from './line.ts'
import { reapDeadProcesses } from './reap.ts'
import type { RunDeps } from './run-deps.ts'

type ForgetDeps = Pick<RunDeps, 'store' | 'process' | 'wake' | 'jobs'>

/** Forgets the checkpoint, so that the next run reads everything; the mirrored rows stay until then. */
export async function resetJob(deps: ForgetDeps, account: string, job: string): Promise<void> {
  await withFreeLines(deps, account, [job], async () => {
    await deps.store.transaction().execute(async tx => {
      await forgetReads(tx, { account, job })
      await tx.deleteFrom('worker.holds').where('account', '=', account).where('job', '=', job).execute()
    })
  })
}

const accountTables = [
  'worker.holds',
  'worker.requests',
  'worker.runs',
  'worker.schedules',
  'worker.change_readers',
] as const

/** Forgets the account as if it had never logged in. Leases stay, because a fence number must never come again. */
export async function forgetAccount(deps: ForgetDeps, account: string): Promise<void> {
  const { store, jobs } = deps
  await withFreeLines(deps, account, [...jobs.keys()], () =>
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
async function withFreeLines(
  { store, process, wake }: ForgetDeps,
  account: string,
  jobs: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  using hand = process.takeInHand()
  const { runId } = hand
  try {
    await reapDeadProcesses(store)
    const busy = await occupyLines(store, { account, jobs, runId, processId: process.id })
    if (busy.length > 0) {
      throw new UsageError({
        found: `${busy.join(', ')} is running for account "${account}"`,
        remedy: 'wait until it has ended',
      })
    }
    await work()
  } finally {
    wake(await freeLines(store, account, runId))
  }
}

/** Takes the lines of these jobs, so that nobody can claim them. @returns the jobs that are running */
async function occupyLines(
  store: Store,
  { account, jobs, runId, processId }: { account: string; jobs: readonly string[]; runId: string; processId: string },
): Promise<readonly string[]> {
  return store.transaction().execute(async tx => {
    await sql`
      insert into worker.leases as l (account, job, fence, occupied_by, process)
      select ${account}, job, 0, ${runId}::uuid, ${processId}::uuid from unnest(${jobs}::text[]) wanted(job) order by job
      on conflict (account, job) do update set occupied_by = excluded.occupied_by, process = excluded.process
      where l.run_id is null and l.occupied_by is null`.execute(tx)
    const { rows } = await sql<{ job: string }>`
      select job from worker.leases
      where account = ${account} and job = any(${jobs}::text[]) and occupied_by is distinct from ${runId}::uuid
      order by job`.execute(tx)
    return rows.map(row => row.job)
  })
}

async function freeLines(store: Store, account: string, runId: string): Promise<readonly Line[]> {
  await sql`update worker.leases set occupied_by = null, process = null where occupied_by = ${runId}::uuid`.execute(
    store,
  )
  const { rows } = await sql<Line>`select account, job, fence from worker.waiting_lines(${account}, 1000)`.execute(
    store,
  )
  return rows
}
