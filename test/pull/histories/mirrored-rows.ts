import { sql } from 'kysely'
import { expect } from 'vitest'
import { readChanges } from '../../../src/changes/changes.ts'
import { sqlStateOf } from '../../../src/failures/sql-state.ts'
import type { ChangedTable } from '../../../src/mirror/changed-table.ts'
import type { TestApp } from '../../fixtures/open-test-app.ts'

type Store = TestApp['deps']['store']

export interface MirroredRow {
  /** As JSON, with the columns of the source. */
  readonly row: string
  readonly change: string
}

/** The account's rows by their keys, deleted ones too if asked for. */
export async function readRows(
  store: Store,
  { into, key }: ChangedTable,
  account: string,
  { withDeleted = false } = {},
): Promise<ReadonlyMap<string, MirroredRow>> {
  const rows = await store
    .transaction()
    .execute(async tx => {
      await sql`set local time zone 'UTC'`.execute(tx)
      const { rows } = await sql<MirroredRow & { key: string }>`
        select (to_jsonb(m) - '_account' - '_change' - '_synced_at' - '_deleted_at' - '_revived_at' - 'note')::text as row,
          _change::text as change, concat_ws('/', ${sql.join(key.map(column => sql.ref(column)))}) as key
        from ${sql.table(`mirror.${into}`)} m
        where _account = ${account} and (_deleted_at is null or ${withDeleted})`.execute(tx)
      return rows
    })
    .catch((error: unknown) => {
      // The table doesn't exist before its job's first run.
      if (sqlStateOf(error) === '42P01') return []
      throw error
    })
  return new Map(rows.map(({ key, row, change }) => [key, { row, change }]))
}

/** Follows the feed as a reader does that copies the mirror. */
export class FeedCopy {
  readonly #rows = new Map<string, string>()
  readonly #store: Store
  readonly #table: ChangedTable
  readonly #account: string
  #position = '0'

  constructor(store: Store, table: ChangedTable, account: string) {
    this.#store = store
    this.#table = table
    this.#account = account
  }

  /** @returns how many changes there were */
  async follow(): Promise<number> {
    const mirrored = await readRows(this.#store, this.#table, this.#account)
    let count = 0
    for (let isLast = false; !isLast; ) {
      const options = { after: this.#position, limit: 5, account: this.#account }
      const { changes, position } = await readChanges(this.#store, this.#table, options)
      for (const { op, key } of changes) {
        const name = this.#table.key.map(column => key[column]).join('/')
        if (op === 'delete') this.#rows.delete(name)
        else this.#rows.set(name, withoutNulls(mirrored.get(name)?.row))
      }
      count += changes.length
      this.#position = position
      isLast = changes.length < options.limit
    }
    expect(sorted(this.#rows), 'a copy that follows the feed').toEqual(
      sorted(new Map([...mirrored].map(([key, { row }]) => [key, withoutNulls(row)]))),
    )
    return count
  }
}

/** A column that is new is null in each row, and no change tells it. */
function withoutNulls(row = 'null'): string {
  return row.replaceAll(/"\w+": null(, )?/g, '').replace(', }', '}')
}

function sorted(rows: ReadonlyMap<string, string>): [string, string][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}
