import { sql } from 'kysely'
import { PositionError } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import { lastChange } from '../mirror/change-counter.ts'
import type { ChangedTable } from '../mirror/changed-table.ts'
import type { StoreReader } from '../store/store.ts'

/**
 * The latest change of one row. Earlier changes aren't kept; the row itself is in the mirror.
 *
 * @example
 * import type { Change } from 'hasura-sync-worker'
 *
 * export const goneIds = (changes: readonly Change<'id'>[]) =>
 *   changes.filter(({ op }) => op === 'delete').map(({ key }) => key.id)
 */
export interface Change<K extends string = string> {
  /** Its number in the table's order of changes, a bigint as text. */
  readonly position: string
  /** A deleted row stays in the mirror, with `_deleted_at`. */
  readonly op: 'upsert' | 'delete'
  readonly account: string
  /** The values of the key columns, as Postgres writes them. */
  readonly key: { readonly [C in K]: string }
}

export interface ChangePage<K extends string = string> {
  readonly changes: readonly Change<K>[]
  /**
   * Where the next page starts. After the last change it is the table's end, so that changes of other accounts aren't read again.
   */
  readonly position: string
}

/** The position before all changes: a reader that starts here gets every row once. */
export const beginning = '0'

/**
 * The changes of one mirror table after a position, in commit order. None is missed. If a row changes again, its change gets a
 * greater position.
 *
 * @param options.limit default 1,000
 * @param options.account only the changes of this account
 * @throws PermanentError (`position`) if the table's last change comes before the position, as after a restore of the store
 * @example
 * import { type JobContext, readChanges } from 'hasura-sync-worker'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const firstChanges = ({ store }: JobContext<unknown>) =>
 *   readChanges(store, syncUsers.mirror, { after: '0', limit: 100 })
 */
export async function readChanges<K extends string>(
  store: StoreReader,
  table: ChangedTable<K>,
  options: { readonly after: string; readonly limit?: number; readonly account?: string },
): Promise<ChangePage<K>> {
  const { after, limit = 1_000, account } = options
  let page = store
    .selectFrom(sql<MirrorChangeRow>`${sql.table(`mirror.${table.into}`)}`.as('m'))
    .select([
      'm._change',
      sql<boolean>`m._deleted_at is not null`.as('deleted'),
      'm._account',
      sql<string[]>`array[${sql.join(table.key.map(column => sql`${sql.ref(`m.${column}`)}::text`))}]`.as('key'),
    ])
    .where('m._change', '>', after)
    .orderBy('m._change')
    .limit(limit)
  if (account !== undefined) page = page.where('m._account', '=', account)
  // One statement sees both at the same moment, so no change up to that end is still uncommitted.
  const end = sql<{ end: string | null }>`(
    select (select ${lastChange(table.into)}::text from worker.change_counters where mirror = ${table.into}) as "end")`
  const rows = await store
    .selectFrom(end.as('e'))
    .leftJoin(page.as('p'), join => join.onTrue())
    .select([
      'e.end',
      sql<string | null>`p._change::text`.as('position'),
      'p.deleted',
      'p._account as account',
      'p.key',
    ])
    .orderBy('p._change')
    .execute()
    .catch((error: unknown) => {
      // The table doesn't exist before its job's first run.
      if (sqlStateOf(error) === '42P01') return []
      throw error
    })
  const changes = rows.flatMap(({ position, deleted, account, key }): Change<K>[] =>
    position === null || account === null || key === null
      ? []
      : [{ position, op: deleted ? 'delete' : 'upsert', account, key: keyOf(table, key) }],
  )
  if (changes.length === 0) requireReached(table, after, rows[0]?.end ?? after)
  const last = changes.at(-1)?.position ?? after
  return { changes, position: changes.length < limit ? later(last, rows[0]?.end ?? last) : last }
}

interface MirrorChangeRow {
  _change: string
  _account: string
}

/** Otherwise a reader would be told nothing of the changes that the table makes until it gets there. */
function requireReached({ into }: ChangedTable, after: string, end: string): void {
  if (BigInt(after) <= BigInt(end)) return
  throw new PositionError({
    found: `Position ${after} comes after the last change of mirror.${into} (${end}), so the store was restored to an earlier state, or the position belongs to another table`,
    remedy: 'read again from position 0',
  })
}

/** A reader's position never decreases, even if someone has emptied the counters. */
function later(a: string, b: string): string {
  return BigInt(b) > BigInt(a) ? b : a
}

function keyOf<K extends string>({ key }: ChangedTable<K>, values: readonly string[]): Change<K>['key'] {
  return Object.fromEntries(key.map((column, at) => [column, values[at] ?? ''])) as Change<K>['key']
}
