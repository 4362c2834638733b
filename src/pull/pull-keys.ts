import { sql } from 'kysely'
import { RefusalError, UsageError } from '../errors.ts'
import type { Position } from '../store/schema.ts'
import type { FencedTransaction } from '../store/store.ts'
import { forgetSweep } from './checkpoint.ts'
import { requireAllowed } from './deletion-guard.ts'
import type { PullRun } from './pull-run.ts'
import { readKeys } from './read-keys.ts'

/**
 * Updates rows that are named by key from the API; the checkpoint doesn't move.
 *
 * @throws UsageError if a key doesn't have one value per key column; RefusalError (`deletion-guard`)
 */
export async function pullKeys(run: PullRun, keys: readonly Position[]): Promise<void> {
  const { columns } = run.remote.key
  if (keys.some(values => values.length !== columns.length)) {
    throw new UsageError({
      found: `A key of ${run.key.job} has ${columns.length} ${columns.length === 1 ? 'value' : 'values'}, but one in "keys" has a different number`,
      remedy: `give the values of ${columns.join(', ')} for each`,
    })
  }
  await readKeys(run, keys, async (tx, marked) => {
    // Few deletions never trigger the guard, and counting a large table takes a while.
    if (!run.guard || marked <= run.guard.floor) return
    requireAllowed(run, { here: marked + (await countRows(tx, run)), missingThere: marked })
  }).catch(error => compareAllAfter(run, error))
}

/** The next run finds out which rows are missing: not only these may be. */
async function compareAllAfter({ context, key }: PullRun, error: unknown): Promise<never> {
  if (error instanceof RefusalError && error.code === 'deletion-guard' && !context.dryRun) {
    await context.transaction(tx => forgetSweep(tx, key))
  }
  throw error
}

async function countRows(tx: FencedTransaction, { mirror, key }: PullRun): Promise<number> {
  const { rows } = await sql<{ here: string }>`
    select count(*) as here from ${sql.table(`mirror.${mirror.name}`)} m
    where m._account = ${key.account} and m._deleted_at is null`.execute(tx)
  return Number(rows[0]?.here)
}
