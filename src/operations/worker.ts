import { sql } from 'kysely'
import { z } from 'zod'
import { TransientError, WorkerError } from '../errors.ts'
import { explainPostgresFailure, readOnly } from '../store/postgres-failure.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import { settlesWithin } from '../time/clock.ts'
import { defineOperation } from './operation.ts'

/** Whether a process currently takes requests; commands in the foreground don't. */
export const hasWorker = defineOperation({
  route: 'GET /worker',
  roles: [],
  input: z.object({}),
  output: z.boolean(),
  async run({ deps: { store } }) {
    const { rows } = await sql`select from worker.living_lines() limit 1`.execute(store)
    return rows.length > 0
  },
})

/** Rejects if the store or the queue can't be reached. */
export const ping = defineOperation({
  route: 'GET /ping',
  roles: [],
  input: z.object({}),
  output: z.void(),
  async run({ deps: { store, clock }, tickets }) {
    const answered = pingStore(store)
    const inTime = settlesWithin(clock, pingWithinMs, answered).then(isAnswered => {
      if (!isAnswered) throw silentStore()
      return answered
    })
    await Promise.all([tickets?.ping(), inTime])
  },
})

/** Milliseconds for the store to answer: callers give up after 2 to 5 seconds. */
const pingWithinMs = 1_500

function silentStore(): TransientError {
  return new TransientError('store', {
    found: `Postgres did not answer within ${pingWithinMs / 1_000} s`,
    remedy: 'check that it is running, reachable and not overloaded',
  })
}

async function pingStore(store: Store): Promise<void> {
  try {
    const { rows } = await sql<{ isReadOnly: boolean }>`${brief}
      select current_setting('transaction_read_only') = 'on' as "isReadOnly" from worker.processes limit 1`.execute(
      store,
    )
    if (rows[0]?.isReadOnly) throw new TransientError('store', readOnly('Postgres'))
  } catch (error) {
    if (error instanceof WorkerError) throw error
    throw new TransientError('store', explainPostgresFailure(error, 'Postgres'), { cause: error })
  }
}
