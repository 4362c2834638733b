import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'

/** A dedicated connection, which can be closed. */
export interface EndingConnection extends Asked {
  end(): Promise<void>
}

/**
 * Whether two connections share one session of the server, as with PgBouncer in its modes `transaction` and `statement`. Then one
 * connection's settings, listeners and prepared statements affect the other.
 *
 * @param client an idle connection
 * @param connect opens a second one to the same address
 */
export async function findSharedSession(
  client: Asked,
  connect: () => Promise<EndingConnection>,
): Promise<Explanation | undefined> {
  const mark = crypto.randomUUID()
  await client.query(`select set_config('hasura_sync_worker.mark', $1, false)`, [mark])
  const other = await connect()
  try {
    const { rows } = await other.query<{ mark: string | null }>(
      `select current_setting('hasura_sync_worker.mark', true) as mark`,
      [],
    )
    if (rows[0]?.mark !== mark) return undefined
  } finally {
    await other.end().catch(() => {})
  }
  return {
    found: 'DATABASE_URL names a pooler that shares one session of Postgres between connections',
    remedy: 'name Postgres itself, or a database of PgBouncer with pool_mode=session',
  }
}
