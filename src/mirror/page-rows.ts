import { type RawBuilder, sql } from 'kysely'
import type { Rows } from '../hasura/rows.ts'
import type { Position } from '../store/schema.ts'
import type { MirrorColumn, MirrorTable } from './mirror-table.ts'
import { type TextForm, textArray } from './text-array.ts'

export interface PageRows extends Rows {
  /** The keys of rows that a transform has left out: they aren't in the mirror, or no longer. */
  readonly leftOut?: readonly Position[]
  /** Of each row, whether its soft-delete column says that it is deleted; none is where that isn't known. */
  readonly deleted?: readonly boolean[]
}

/**
 * `(select …) as page` with the values of a table's columns, each given as one array: Postgres reads a page so in half of the
 * time that a list of JSON objects takes it.
 */
export function unnestPage(page: Rows, columns: readonly MirrorColumn[]): RawBuilder<unknown> {
  const fields = new Map<string, { readonly type: string; readonly form: TextForm }>()
  for (const { name, type, path, isGone } of columns) {
    if (isGone) continue
    // What is taken out of it may become a text.
    if (path) fields.set(path[0], { type: 'json', form: 'jsonb' })
    else fields.set(name, { type, form: type === 'json' || type === 'jsonb' ? type : 'text' })
  }
  const unnested = [...fields].map(([name, { type, form }]) => {
    const values = textArray(page.column(name), page.count, form)
    return sql`${readAs(type, sql`unnest(${values}::text[])`)} as ${sql.ref(name)}`
  })
  return sql`(select generate_series(1, ${page.count}::int) as _row, ${sql.join(unnested)}) as page`
}

/** The same of the columns of the key alone. */
export function keysOf(page: Rows, { columns, key }: MirrorTable): RawBuilder<unknown> {
  return unnestPage(
    page,
    columns.filter(({ name }) => key.includes(name)),
  )
}

/** That a row `page` of these is the mirror's row `m`. */
export function sameKey(table: MirrorTable): RawBuilder<unknown> {
  return isKeyOf(table, at => sql.ref(`page.${table.key[at]}`))
}

/**
 * That a key is the one of the mirror's row `m`. Compared as values of the mirror's types, as its primary key does: one key may
 * be written in two ways (12.5 and 12.50, `1 day` and `24:00:00`, 0 and -0).
 *
 * @param valueAt the key's value of the column at this place, as text or in the column's type
 */
export function isKeyOf(
  { columns, key }: MirrorTable,
  valueAt: (at: number) => RawBuilder<unknown>,
): RawBuilder<unknown> {
  const equal = key.map((name, at) => {
    const type = columns.find(column => column.name === name)?.type ?? 'text'
    return sql`${sql.ref(`m.${name}`)} = ${readAs(type, valueAt(at))}`
  })
  return sql.join(equal, sql` and `)
}

/** A column's value in such a row. */
export function columnValue({ name, type, path, isGone }: MirrorColumn): RawBuilder<unknown> {
  if (isGone) return sql`null::${sql.raw(type)}`
  if (!path) return sql`page.${sql.ref(name)}`
  const [head, ...rest] = path
  const steps = sql`array[${sql.join(rest.map(step => sql`${step}::text`))}]`
  if (type === 'json' || type === 'jsonb') return sql`(page.${sql.ref(head)} #> ${steps})::${sql.raw(type)}`
  return readAs(type, sql`page.${sql.ref(head)} #>> ${steps}`)
}

/**
 * A text of the API's as a value. Where the API's database has the `IntervalStyle` of the SQL standard, `-1 2:03:04` is all
 * negative; with any other style the second sign is written.
 */
function readAs(type: string, text: RawBuilder<unknown>): RawBuilder<unknown> {
  const unambiguous =
    type === 'interval' ? sql`regexp_replace((${text})::text, '^-([0-9]+) ([0-9])', '-\\1 -\\2')` : text
  return sql`(${unambiguous})::${sql.raw(type)}`
}
