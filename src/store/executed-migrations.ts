import type { Explanation } from '../explanation.ts'
import { migrations } from './migrations.ts'
import type { Asked } from './missing-privileges.ts'

/** The names of the migrations that a store has, whose table is there. */
export async function listExecuted(client: Asked): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string }>('select name from worker.kysely_migration', [])
  return rows.map(({ name }) => name)
}

/** The names of those that a store lacks. */
export function findPending(executed: readonly string[]): readonly string[] {
  return Object.keys(migrations).filter(name => !executed.includes(name))
}

/**
 * A store that a newer version has migrated can't be used by this one, which doesn't know what has changed.
 *
 * @param executed names of all migrations that the store has
 */
export function findNewerStore(executed: readonly string[]): Explanation | undefined {
  const unknown = executed.filter(name => !Object.hasOwn(migrations, name))
  if (unknown.length === 0) return undefined
  return {
    found: `A newer version of hasura-sync-worker has migrated the store (${unknown.join(', ')})`,
    remedy: 'start that version, or restore a dump from before the upgrade',
  }
}
