import pg from 'pg'
import { foreignObject, foreignRemedy } from './foreign-schema.ts'
import { ensureSchema, migrationStatements } from './migrations.ts'

/** What Kysely's migrator locks while it migrates (`LOCK_ID` of its PostgresAdapter), so that a worker that starts meanwhile waits. */
const lockId = '3853314791062309107'

/**
 * The migrations as a script for somebody who may change the schema where the worker may not. It is one transaction, leaves out what
 * was applied before, and may be run again.
 *
 * @param worker the role that the worker logs in as; it is granted exactly what it needs
 */
export function renderMigrations(worker: string | undefined): string {
  const statements = [
    `do $lock$ begin perform pg_advisory_xact_lock(${lockId}); end $lock$`,
    'set local default_table_access_method = heap',
    refuseForeignSchema,
    ...['worker', 'mirror'].map(ensureSchema),
    ...bookkeeping,
    ...[...migrationStatements].map(([name, applied]) => renderMigration(name, applied)),
    ...(worker === undefined ? [] : grantsTo(pg.escapeIdentifier(worker))),
  ]
  return `-- Migrations of hasura-sync-worker. Those that were applied before are left out when it runs, so it may be run again.
begin;
${statements.join(';\n')};
commit;
`
}

const refuseForeignSchema = `do $foreign$ declare
v_object text := (${foreignObject});
begin
if v_object is not null then
  raise exception 'schema worker belongs to another program: it has %', v_object using hint = '${foreignRemedy}';
end if;
end $foreign$`

/** Where Kysely's migrator keeps what was applied, as it would make it. */
const bookkeeping: readonly string[] = [
  `create table if not exists worker.kysely_migration (
    name varchar(255) not null primary key,
    timestamp varchar(255) not null
  )`,
  `create table if not exists worker.kysely_migration_lock (
    id varchar(255) not null primary key,
    is_locked integer default 0 not null
  )`,
  `insert into worker.kysely_migration_lock (id, is_locked) values ('migration_lock', 0) on conflict do nothing`,
]

function renderMigration(name: string, statements: readonly string[]): string {
  const applied = `insert into worker.kysely_migration (name, timestamp)
values ('${name}', to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`
  return `do $migration$ begin
if exists (select from worker.kysely_migration where name = '${name}') then return; end if;
${[...statements, applied].join(';\n')};
end $migration$`
}

function grantsTo(role: string): readonly string[] {
  return [
    `grant usage on schema worker to ${role}`,
    `grant select, insert, update, delete on all tables in schema worker to ${role}`,
    `grant execute on all functions in schema worker to ${role}`,
    // It makes the mirror's tables itself, and owns them: only an owner may add a column.
    `grant usage, create on schema mirror to ${role}`,
  ]
}
