import type { Explanation } from '../errors.ts'
import type { Asked } from './missing-privileges.ts'

/** A connection of one's own, which ends. */
export interface EndingConnection extends Asked {
  end(): Promise<void>
}

/**
 * Whether two connections share one session of the server, as behind PgBouncer in its modes `transaction` and `statement`: what
 * the one sets, the other sees. What a session sets, what it listens to and its named statements would then be somebody else's.
 *
 * @param client a connection that has nothing under way
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
    found: 'DATABASE_URL names a pooler that gives one session of Postgres to several connections in turn',
    remedy: 'name Postgres itself, or a database of PgBouncer with pool_mode=session',
  }
}
