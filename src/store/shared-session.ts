import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'
import { sharedSession } from './postgres-words.ts'

/** A pooler may give a connection the same session a few times in a row by chance. */
const looks = 4

/**
 * Whether a pooler gives each statement any session of the server, as PgBouncer does in its modes `transaction` and `statement`. Then
 * one connection's settings, listeners and prepared statements affect the other.
 *
 * Settings don't show it: a pooler may take turns among its sessions, or reset each after use.
 *
 * @param client an idle connection
 * @param other a second one to the same address
 */
export async function findSharedSession(client: Asked, other: Asked): Promise<Explanation | undefined> {
  const own = new Set<number>()
  for (let look = 0; look < looks; look += 1) own.add(await findBackend(client))
  if (own.size === 1 && !own.has(await findBackend(other))) return undefined
  return { found: `Postgres ${sharedSession.found}`, remedy: sharedSession.remedy }
}

/** The process of the server that answers. */
async function findBackend(client: Asked): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid', [])
  return rows[0]?.pid ?? 0
}
