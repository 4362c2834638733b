import { type RawBuilder, sql } from 'kysely'

/** A condition on a column that holds for every row if no value is wanted. */
export function isWanted(column: string, value: string | undefined): RawBuilder<boolean> {
  return value === undefined ? sql`true` : sql`${sql.ref(column)} = ${value}`
}
