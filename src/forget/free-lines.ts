import { sql } from 'kysely'
import { UsageError } from '../errors.ts'
import type { Line } from '../runs/line.ts'
import { reapDeadProcesses } from '../runs/reap.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { Store } from '../store/store.ts'

export type FreeLinesDeps = Pick<RunDeps, 'store' | 'process' | 'wake'>

/**
 * Keeps lines free of runs during a `reset` or `forget`, because a run would write the data again.
 *
 * @throws UsageError if one of them is running
 */
export async function withFreeLines(
  { store, process, wake }: FreeLinesDeps,
  account: string,
  jobs: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  using hand = process.takeInHand()
  const { runId } = hand
  try {
    await reapDeadProcesses(store)
    await occupyLines(store, { account, jobs, runId, processId: process.id })
    await work()
  } finally {
    wake(await freeLines(store, account, runId))
  }
}

/** Occupies the lines of these jobs, all or none, so that nobody can claim them. */
async function occupyLines(
  store: Store,
  { account, jobs, runId, processId }: { account: string; jobs: readonly string[]; runId: string; processId: string },
): Promise<void> {
  await store.transaction().execute(async tx => {
    await sql`
      insert into worker.leases as l (account, job, fence, occupied_by, process)
      select ${account}, job, 0, ${runId}::uuid, ${processId}::uuid from unnest(${jobs}::text[]) wanted(job) order by job
      on conflict (account, job) do update set occupied_by = excluded.occupied_by, process = excluded.process
      where l.run_id is null and l.occupied_by is null`.execute(tx)
    const { rows } = await sql<{ job: string }>`
      select job from worker.leases
      where account = ${account} and job = any(${jobs}::text[]) and occupied_by is distinct from ${runId}::uuid
      order by job`.execute(tx)
    if (rows.length === 0) return
    throw new UsageError({
      found: `${rows.map(row => row.job).join(', ')} is running for account "${account}"`,
      remedy: 'wait until its run has ended, or cancel it',
    })
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
