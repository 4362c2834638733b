import { sql } from 'kysely'
import type { Store } from '../store/store.ts'

/** No more runs are ended at once. */
const mostAtOnce = 20

/**
 * Ends what dead processes have left. Workers do so at each look; a command that a line keeps waiting may be the only process that
 * is alive.
 */
export async function reapDeadProcesses(store: Store): Promise<void> {
  await sql`select worker.reap(${mostAtOnce})`.execute(store)
}
