import { sql } from 'kysely'
import type { Store } from './store.ts'

/** How much of the write-ahead log a crash may leave to be read at the next start, in bytes. */
const mostLog = 64 * 1_048_576

interface Due {
  readonly schema: string
  readonly name: string
}

/**
 * Does what a database server does by itself: PGlite writes no checkpoints and has no autovacuum. Without them the write-ahead log and
 * every table grow for as long as the process runs, and statements read more and more dead index entries.
 *
 * Counts of dead rows begin with the process, so each table is vacuumed once after the start, whatever its count.
 */
export async function maintainEmbedded(store: Store, signal: AbortSignal): Promise<void> {
  // First: a table that can't be vacuumed must not keep the log growing.
  const { rows: long } = await sql`
    select from pg_control_checkpoint() where pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn) > ${mostLog}`.execute(
    store,
  )
  if (long.length > 0) await sql`checkpoint`.execute(store)
  const { rows: due } = await sql<Due>`
    select s.schemaname as schema, s.relname as name
    from pg_stat_user_tables s join pg_class c on c.oid = s.relid
    where s.schemaname in ('worker', 'mirror')
      and (s.last_vacuum is null or s.n_dead_tup > 1000 + 0.1 * greatest(c.reltuples, 0))
    order by s.n_dead_tup`.execute(store)
  const failures: unknown[] = []
  for (const { schema, name } of due) {
    if (signal.aborted) return
    // There are no processes that could help. A damaged table must not keep the others growing.
    await sql`vacuum (analyze, parallel 0) ${sql.id(schema, name)}`.execute(store).catch(error => failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
}
