/** Runs one statement on a connection, as node-postgres and PGlite both do. */
export interface Session {
  query(text: string, values: string[][]): Promise<unknown>
}

/*
 * A role, a database or a server may set any of these (`alter role … set`, `alter database … set`, postgresql.conf), and each
 * changes what a statement of ours means or gives. So every session sets them for itself, by a statement and not in the packet
 * that begins a connection, where PgBouncer refuses what it doesn't know.
 *
 * Not among them: `search_path`, since our statements name their schemas and a trigger of somebody else's on a mirror table may
 * rely on it; `default_transaction_read_only`, which providers set where a disk is full; `row_security`, `synchronize_seqscans`
 * and `xmloption`, on which no statement depends; what changes nothing but a plan (`plan_cache_mode`, `jit`) or when a commit
 * reaches the disk (`synchronous_commit`).
 */
const settingsOfValues: Readonly<Record<string, string>> = {
  // The drivers read instants in ISO alone, and keys and cursors are compared and sent as text.
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  // With 0 a double loses its last two digits on the way to text.
  extra_float_digits: '1',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  // With `off` a backslash in a literal begins an escape.
  standard_conforming_strings: 'on',
  // With `off` null in a list becomes the text NULL.
  array_nulls: 'on',
  // With `on` a column's type reads `"uuid"`, and seems to be another than `uuid`.
  quote_all_identifiers: 'off',
  // Leases, claims and the change counter wait for a row's lock and then read what was committed meanwhile.
  default_transaction_isolation: 'read committed',
}

/**
 * A run that is stopped inside a transaction (SIGSTOP, a paused machine) would hold its locks for ever: the server ends such
 * a transaction before the lease that guards it can pass to another process. A default that is meant for web requests mustn't
 * end what takes longer, nor idle connections, of which some listen.
 */
const settingsOfTimeouts: Readonly<Record<string, string>> = {
  idle_in_transaction_session_timeout: '5s',
  lock_timeout: '5s',
  statement_timeout: '120s',
  transaction_timeout: '0',
  idle_session_timeout: '0',
}

/**
 * Makes a session independent of all defaults. Settings that this version of Postgres doesn't have are left out.
 */
export async function setSession(session: Session, { timeouts } = { timeouts: true }): Promise<void> {
  const settings = { ...settingsOfValues, ...(timeouts && settingsOfTimeouts) }
  await session.query(
    `select set_config(known.name, wanted.setting, false)
     from pg_catalog.pg_settings known
     join unnest($1::text[], $2::text[]) as wanted (name, setting) on lower(wanted.name) = lower(known.name)`,
    [Object.keys(settings), Object.values(settings)],
  )
}
