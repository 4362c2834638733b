/** Runs one statement on a connection, as both node-postgres and PGlite do. */
export interface Session {
  query(text: string, values: string[][]): Promise<unknown>
}

/*
 * A role, a database or a server may set any of these (`alter role … set`, `alter database … set`, postgresql.conf), and each
 * changes the meaning or the result of statements. So every session sets them itself: by a statement, because in the startup
 * packet PgBouncer refuses parameters that it doesn't know.
 *
 * Not included: `search_path`, because all statements name their schemas, and someone's trigger on a mirror table may rely on it;
 * `default_transaction_read_only`, which providers set when a disk is full; `row_security`, `synchronize_seqscans` and
 * `xmloption`, on which no statement depends; settings that only change a plan (`plan_cache_mode`, `jit`) or when a commit
 * reaches the disk (`synchronous_commit`).
 */
const settingsOfValues: Readonly<Record<string, string>> = {
  // The drivers only parse ISO dates, and keys and cursors are compared and sent as text.
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  // With 0, a double loses its last two digits when converted to text.
  extra_float_digits: '1',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  // With `off`, a backslash in a literal starts an escape.
  standard_conforming_strings: 'on',
  // With `off`, null in an array becomes the text NULL.
  array_nulls: 'on',
  // With `on`, a column's type reads `"uuid"` and seems to differ from `uuid`.
  quote_all_identifiers: 'off',
  // Leases and merges read `xmin` and `xmax`, which tables of other kinds don't have (OrioleDB, columnar storage).
  default_table_access_method: 'heap',
  // Leases, claims and the change counter wait for a row lock and then read what was committed meanwhile.
  default_transaction_isolation: 'read committed',
}

/**
 * If a run is paused inside a transaction (SIGSTOP, a paused machine), it would hold its locks forever. The server ends such a
 * transaction before the lease that guards it can pass to another process. Defaults meant for web requests must not end longer
 * statements, or idle connections, some of which listen.
 */
const settingsOfTimeouts: Readonly<Record<string, string>> = {
  idle_in_transaction_session_timeout: '5s',
  lock_timeout: '5s',
  statement_timeout: '120s',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  // A client whose machine is gone is noticed after minutes, not after two hours.
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
}

/**
 * Postgres ends the statement of a client that is gone, such as a killed worker's, which may take hours and keeps its locks. Before
 * version 14, and on systems that can't tell (Windows), it doesn't; there the setting has no other value than 0.
 */
const endStatementsOfLostClients = `do $$ begin
    perform pg_catalog.set_config('client_connection_check_interval', '5s', false);
  exception when undefined_object or invalid_parameter_value then null;
  end $$`

/** Makes a session independent of all defaults. Settings unknown to this version of Postgres are skipped. */
export async function setSession(session: Session, { timeouts } = { timeouts: true }): Promise<void> {
  const settings = { ...settingsOfValues, ...(timeouts && settingsOfTimeouts) }
  await session.query(
    `select set_config(known.name, wanted.setting, false)
     from pg_catalog.pg_settings known
     join unnest($1::text[], $2::text[]) as wanted (name, setting) on lower(wanted.name) = lower(known.name)`,
    [Object.keys(settings), Object.values(settings)],
  )
  if (timeouts) await session.query(endStatementsOfLostClients, [])
}
