import { sql } from 'kysely'
import type { Change } from '../changes/changes.ts'
import { parseKeepingDigits } from '../json/exact-numbers.ts'
import type { ChangedTable } from '../mirror/changed-table.ts'
import type { StoreReader } from '../store/store.ts'
import type { SentChange } from './build-messages.ts'

/**
 * The changes with their rows, with every digit. A row that has changed again meanwhile is omitted: its change comes later in the
 * feed, with the row's state at that time.
 */
export async function withRows(
  store: StoreReader,
  table: ChangedTable,
  changes: readonly Change[],
): Promise<readonly SentChange[]> {
  const positions = changes.map(({ position }) => position)
  const rows = await store
    .selectFrom(sql<{ _change: string }>`${sql.table(`mirror.${table.into}`)}`.as('m'))
    .select([sql<string>`m._change::text`.as('position'), sql<string>`row_to_json(m.*)::text`.as('json')])
    .where(sql<boolean>`m._change = any(${positions}::bigint[])`)
    .execute()
  const found = new Map(rows.map(({ position, json }) => [position, json]))
  return changes.flatMap(({ position, op, key }): SentChange[] => {
    const json = found.get(position)
    if (json === undefined) return []
    return [{ position, op, key, ...(op === 'upsert' && { row: ownColumns(json) }) }]
  })
}

/** Only the mirror's own columns start with an underscore. */
function ownColumns(json: string): object {
  const values = Object.entries(Object(parseKeepingDigits(json)))
  return Object.fromEntries(values.filter(([name]) => !name.startsWith('_')))
}
