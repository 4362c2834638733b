import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'

/** How Postgres and a pooler know the worker's connections. */
export const applicationName = 'hasura-sync-worker'

/**
 * Whether a pooler sends the reads of this connection to a standby, as Pgpool-II does unless it is told otherwise. Their rows are
 * older than what was just written.
 *
 * It sends a statement that calls a volatile function to the primary, such as every one of `worker.look`.
 */
export async function findBalancedReads(client: Asked): Promise<Explanation | undefined> {
  const readOnly = "current_setting('transaction_read_only') = 'on' as \"isReadOnly\""
  const asRead = await isReadOnly(client, `select ${readOnly}`)
  if (!asRead || (await isReadOnly(client, `select ${readOnly} from pg_is_in_recovery()`))) return undefined
  return {
    found: 'Postgres is behind a pooler that sends reads to a standby, whose rows may be old',
    remedy: `name the primary itself in DATABASE_URL, or let the pooler send this worker's reads to the primary: in pgpool.conf, app_name_redirect_preference_list = '${applicationName}:primary'`,
  }
}

async function isReadOnly(client: Asked, text: string): Promise<boolean> {
  const { rows } = await client.query<{ isReadOnly: boolean }>(text, [])
  return rows[0]?.isReadOnly === true
}
