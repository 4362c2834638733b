import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'
import { sharedSession } from './postgres-words.ts'

/**
 * Whether two connections share one session of the server, as with PgBouncer in its modes `transaction` and `statement`. Then one
 * connection's settings, listeners and prepared statements affect the other.
 *
 * @param client an idle connection
 * @param other a second one to the same address
 */
export async function findSharedSession(client: Asked, other: Asked): Promise<Explanation | undefined> {
  const mark = crypto.randomUUID()
  await client.query(`select set_config('hasura_sync_worker.mark', $1, false)`, [mark])
  const { rows } = await other.query<{ mark: string | null }>(
    `select current_setting('hasura_sync_worker.mark', true) as mark`,
    [],
  )
  if (rows[0]?.mark !== mark) return undefined
  return { found: `Postgres ${sharedSession.found}`, remedy: sharedSession.remedy }
}
