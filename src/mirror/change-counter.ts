import { type RawBuilder, sql } from 'kysely'

/**
 * A statement that reserves the next numbers in a mirror table's order of changes and returns the one before the first as `base`.
 * It locks the table's counter until the transaction commits, so changes become visible in order, and a reader who has read up to
 * one change has missed none before it. Unused numbers leave gaps.
 *
 * After a restore of schema `worker` alone, the counter is behind the table, whose numbers must not be used again.
 */
export function nextChanges(
  mirror: string,
  count: number,
  condition: RawBuilder<boolean> = sql`true`,
): RawBuilder<{ base: string }> {
  return sql`update worker.change_counters set last = ${lastChange(mirror)} + ${count}::bigint
    where mirror = ${mirror} and ${condition} returning last - ${count}::bigint as base`
}

/** The number of the table's last change; null before its first run. */
export function lastChange(mirror: string): RawBuilder<string | null> {
  return sql`greatest(last, (select max(_change) from ${sql.table(`mirror.${mirror}`)}))`
}

/** The same of several tables: rows of `mirror` and `last`. */
export function lastChanges(mirrors: readonly string[]): RawBuilder<unknown> {
  const each = mirrors.map(
    mirror => sql`union all select mirror, ${lastChange(mirror)} from worker.change_counters where mirror = ${mirror}`,
  )
  return sql`select mirror, last from worker.change_counters where false ${sql.join(each, sql` `)}`
}
