import { type RawBuilder, sql } from 'kysely'
import type { Position } from '../../store/schema.ts'
import type { MirrorColumn, MirrorTable } from './mirror-table.ts'

/** Rows that Postgres is to read out of a JSON text, so that digits and microseconds never pass through JavaScript. */
export interface PageRows {
  /** A JSON array of objects. */
  readonly text: string
  readonly count: number
  /** The keys of rows that a transform has left out: they aren't in the mirror, or no longer. */
  readonly leftOut?: readonly Position[]
}

/** `json_to_recordset(…) as page (…)` for a table's columns. */
export function recordset({ text }: PageRows, columns: readonly MirrorColumn[]): RawBuilder<unknown> {
  const fields = new Map<string, string>()
  for (const { name, type, path, isGone } of columns) {
    if (isGone) continue
    if (path) fields.set(path[0], 'json')
    else fields.set(name, type)
  }
  const typed = [...fields].map(([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`)
  return sql`json_to_recordset(${cleanText(text)}::json) as page (${sql.join(typed)})`
}

/** The same of the columns of the key alone. */
export function keysOf(page: PageRows, { columns, key }: MirrorTable): RawBuilder<unknown> {
  return recordset(
    page,
    columns.filter(({ name }) => key.includes(name)),
  )
}

/** That a row `page` of these is the mirror's row `m`. */
export function sameKey({ key }: MirrorTable): RawBuilder<unknown> {
  const equal = key.map(name => sql`${sql.ref(`page.${name}`)} = ${sql.ref(`m.${name}`)}`)
  return sql.join(equal, sql` and `)
}

/** A column's value in a row of the recordset. */
export function columnValue({ name, type, path, isGone }: MirrorColumn): RawBuilder<unknown> {
  if (isGone) return sql`null::${sql.raw(type)}`
  if (!path) return sql`page.${sql.ref(name)}`
  const [head, ...rest] = path
  const steps = sql`array[${sql.join(rest.map(step => sql`${step}::text`))}]`
  if (type === 'jsonb') return sql`(page.${sql.ref(head)} #> ${steps})::jsonb`
  return sql`(page.${sql.ref(head)} #>> ${steps})::${sql.raw(type)}`
}

/**
 * Postgres keeps no NUL in a text, and no half of a surrogate pair; JSON can say both. They become the character that stands
 * for what can't be shown (U+FFFD), so that one odd row doesn't stop its table.
 */
export function cleanText(json: string): string {
  if (!json.includes('\\u') || !/\\u(?:0000|[dD][89a-fA-F])/.test(json)) return json
  return json.replace(escapes, (found, refused?: string) => (refused === undefined ? found : '\\ufffd'))
}

/** Another escape and a whole pair stay; what Postgres refuses is the group. */
const escapes =
  /\\[^u]|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2})/g
