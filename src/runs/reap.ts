import { sql } from 'kysely'
import type { Store } from '../store/store.ts'

/** Maximum number of runs ended in one statement. */
const mostAtOnce = 20

/**
 * Ends the runs of dead processes. Workers do so at each look. A command that waits for a line does too, because it may be the
 * only live process.
 */
export async function reapDeadProcesses(store: Store): Promise<void> {
  await sql`select worker.reap(${mostAtOnce})`.execute(store)
}
