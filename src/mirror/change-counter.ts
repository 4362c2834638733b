import { type RawBuilder, sql } from 'kysely'

/**
 * A statement that reserves the next places in a mirror table's order of changes and gives the one before the first as `base`.
 * It holds the table's counter until the transaction has committed: so changes become visible in their order, and who has read
 * up to one has missed none before it. Places that nothing takes stay empty.
 */
export function nextChanges(
  mirror: string,
  count: number,
  condition: RawBuilder<boolean> = sql`true`,
): RawBuilder<{ base: string }> {
  return sql`update worker.change_counters set last = last + ${count}::bigint where mirror = ${mirror} and ${condition}
    returning last - ${count}::bigint as base`
}
