import { sql } from 'kysely'
import { findMissingRows, type MissingRows } from '../../mirror/missing-rows.ts'
import { isKeyOf } from '../../mirror/page-rows.ts'
import { findPrimaryKey } from '../../operations/mirror-tables.ts'
import type { Reading } from '../../operations/operation.ts'
import { isWanted } from '../../store/is-wanted.ts'
import type { Position } from '../../store/schema.ts'
import { own } from './reading.ts'
import { findColumns, selectTexts } from './tables.ts'

/** What the deletion guards of these lines keep. */
export function findMissing(
  reading: Reading,
  { account, job }: { readonly account?: string | undefined; readonly job?: string | undefined },
): Promise<readonly MissingRows[]> {
  const isMeant = sql<boolean>`${own(reading, 'worker.holds.account')}
    and ${isWanted('worker.holds.account', account)} and ${isWanted('worker.holds.job', job)}`
  return findMissingRows(reading.deps.store, isMeant)
}

export interface MirroredRows {
  readonly columns: readonly string[]
  /** The values of the columns as Postgres writes them. */
  readonly rows: readonly Readonly<Record<string, string | null>>[]
}

/** The account's rows with these keys, as they are mirrored; undefined if the table was dropped. */
export async function findMirrored(
  { deps: { store } }: Reading,
  table: string,
  account: string,
  keys: readonly Position[],
): Promise<MirroredRows | undefined> {
  const columns = await findColumns(store, table)
  if (columns.length === 0) return undefined
  const key = (await findPrimaryKey(store, table)).filter(name => name !== '_account')
  const isRow = isKeyOf({ columns, key }, at => sql`(k.key ->> ${sql.lit(at)})`)
  const shown = columns.map(({ name }) => name).filter(name => !name.startsWith('_'))
  const { rows } = await sql<Readonly<Record<string, string | null>>>`
    select ${selectTexts(shown)} from jsonb_array_elements(${JSON.stringify(keys)}::jsonb) with ordinality as k(key, place)
    join ${sql.id('mirror', table)} m on m._account = ${account} and ${isRow} order by k.place`.execute(store)
  return { columns: shown, rows }
}
