import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { replaceFunctions } from './functions/statements.ts'
import { requestTables } from './functions/tables.ts'

/** Statements of each migration, in order of their names; one that has been released is never edited, a later one corrects it: see schema/released-migrations.json. */
export const migrationStatements: ReadonlyMap<string, readonly string[]> = new Map([
  ['0001_requests_runs_and_leases', [...['worker', 'mirror'].map(ensureSchema), ...initialTables()]],
  ['0002_full_reads_and_changes', fullReadsAndChanges()],
  ['0003_claimed_readers', claimedReaders()],
  ['0005_definition_in_parts', ['alter table worker.checkpoints add column definition jsonb']],
  [
    '0006_what_was_found_and_what_to_do',
    ['alter table worker.holds rename column reason to found', 'alter table worker.holds add column remedy text'],
  ],
  // Requests were jobs of the queue before: those that wait there are dropped, and the schedules make the next ones.
  ['0007_requests_in_the_store', requestTables],
  ['0008_versions_of_columns', ['alter table worker.checkpoints add column column_state jsonb']],
  ['0009_fewer_indexes', fewerIndexes()],
  ['0010_callers_of_runs', ['alter table worker.runs add column caller text']],
  ['0011_webhooks', [webhooks()]],
  ['0012_origins_of_leases', ['alter table worker.leases add column origin text']],
  ['0013_last_success_of_lines', lastSuccess()],
  ['0014_answers_of_keys', ['alter table worker.idempotency_keys add column absorbed boolean not null default false']],
  ['0016_live', live()],
  ['0017_audit_and_failed_requests', auditAndFailedRequests()],
  ['0018_traces_of_requests', ['alter table worker.requests add column trace jsonb, add column absorbed_traces jsonb']],
  ['0019_slots_of_webhooks', ['alter table worker.served_lines add column first_slot integer not null default 1']],
  ['0021_unreported_requests', [unreportedRequests()]],
  ['0022_missing_rows', [missingRows()]],
  ['0023_wanted_probes', ['alter table worker.holds add column probe_wanted boolean not null default false']],
  ['0025_longest_pages', ['alter table worker.checkpoints add column longest_page integer']],
  ['0026_fewer_checks', fewerChecks()],
  // Without a key, Postgres refuses to delete from it while a publication includes it, as one for all tables does.
  ['0027_publishable_staged_keys', ['alter table worker.staged_keys replica identity full']],
  // It brought functions, as the last one now does.
  ['0031_runs_as_json', []],
  ['0032_last_failures_of_webhooks', ['alter table worker.webhooks add column failed_at timestamptz']],
  ['0033_repeated_requests', replaceFunctions],
])

/** The same as they are applied when the store is opened. */
export const migrations: Readonly<Record<string, Migration>> = Object.fromEntries(
  [...migrationStatements].map(([name, statements]) => [name, { up: db => execute(db, statements) }]),
)

async function execute(db: Kysely<unknown>, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** `create schema if not exists` needs the privilege to create schemas even where there is nothing to create. */
export function ensureSchema(name: string): string {
  return `do $$ begin if to_regnamespace('${name}') is null then create schema ${name}; end if; end $$`
}

function initialTables(): readonly string[] {
  return [
    `create table worker.accounts (
    name text primary key,
    issuer text not null,
    subject text not null,
    endpoint text not null,
    first_login text not null default 'pending' check (first_login in ('pending', 'calling', 'called', 'visible')),
    first_login_process uuid,
    first_login_note text,
    bootstrapped_at timestamptz,
    created_at timestamptz not null default now()
  )`,
    `create table worker.bootstrap_steps (
    bootstrap_id text not null,
    step text not null,
    account text not null,
    state text not null default 'requested' check (state in ('requested', 'done', 'failed')),
    request_id text not null,
    updated_at timestamptz not null default now(),
    primary key (bootstrap_id, step)
  )`,
    `create table worker.checkpoints (
    account text not null,
    job text not null,
    fingerprint text not null,
    high text,
    position jsonb,
    scan_started_at text,
    scanned_at text,
    updated_at timestamptz not null default now(),
    primary key (account, job)
  )`,
    `create table worker.processes (
    id uuid primary key,
    host text not null,
    pid integer not null,
    started_at timestamptz not null default now(),
    expires_at timestamptz not null
  )`,
    `create table worker.leases (
    account text not null,
    job text not null,
    fence bigint not null,
    process uuid,
    taken_at timestamptz not null default now(),
    primary key (account, job)
  )`,
    `create table worker.schedules (
    account text not null,
    job text not null,
    rule text not null,
    next_run_at timestamptz not null,
    claimed_until timestamptz,
    last_run_at timestamptz,
    paused boolean not null default false,
    primary key (account, job)
  )`,
    'create index schedules_due on worker.schedules (next_run_at) where not paused',
    `create table worker.holds (
    account text not null,
    job text not null,
    met_by text not null check (met_by in ('gate', 'run')),
    code text not null,
    reason text not null,
    since timestamptz not null default now(),
    probes integer not null default 0,
    probe_at timestamptz not null,
    primary key (account, job)
  )`,
    `create table worker.waiters (
    seq bigint generated always as identity,
    request_id text primary key,
    account text not null,
    job text not null,
    since timestamptz not null default now()
  )`,
    'create index waiters_in_turn on worker.waiters (account, job, seq)',
    `create table worker.idempotency_keys (
    account text not null,
    job text not null,
    key text not null,
    payload_hash text not null,
    request_id text not null,
    created_at timestamptz not null default now(),
    primary key (account, job, key)
  )`,
    `create table worker.runs (
    id bigint generated always as identity primary key,
    request_id text not null,
    account text not null,
    job text not null,
    deduplication_id text not null,
    trigger text not null,
    attempt integer not null,
    state text not null default 'running'
      check (state in ('running', 'waiting', 'succeeded', 'failed', 'refused', 'interrupted')),
    process uuid,
    fence bigint,
    from_position text,
    to_position text,
    counts jsonb,
    error_code text,
    error_message text,
    started_at timestamptz not null default now(),
    finished_at timestamptz
  )`,
    'create index runs_of_request on worker.runs (request_id)',
    'create index runs_of_job on worker.runs (job, account, id desc)',
    'create index runs_of_equals on worker.runs (deduplication_id, id desc)',
  ]
}

function fullReadsAndChanges(): readonly string[] {
  return [
    // A position is now the texts of the scan's columns in their order.
    `update worker.checkpoints set position =
    jsonb_build_array(position -> 'cursor') || (position -> 'key') where jsonb_typeof(position) = 'object'`,
    'alter table worker.checkpoints add column columns jsonb, add column grants text, add column swept_at timestamptz',
    `create table worker.full_reads (
    id bigint generated always as identity primary key,
    account text not null,
    job text not null,
    purpose text not null check (purpose in ('load', 'sweep')),
    phase text not null default 'reading' check (phase in ('reading', 'settling')),
    definition text not null,
    started_at text not null,
    high text,
    total bigint,
    staged boolean not null,
    dry_run boolean not null,
    request_id text not null,
    here bigint,
    gone bigint not null default 0,
    created_at timestamptz not null default now()
  )`,
    'create unique index full_reads_of_job on worker.full_reads (account, job, dry_run)',
    `create table worker.full_read_ranges (
    read_id bigint not null references worker.full_reads on delete cascade,
    range integer not null,
    behind jsonb,
    up_to jsonb,
    position jsonb,
    rows bigint not null default 0,
    done boolean not null default false,
    primary key (read_id, range)
  )`,
    `create table worker.staged_keys (
    read_id bigint not null references worker.full_reads on delete cascade,
    key text[] not null,
    cursor text
  )`,
    'create index staged_keys_of_read on worker.staged_keys using brin (read_id)',
    `create table worker.unsettled_keys (
    id bigint generated always as identity primary key,
    read_id bigint not null references worker.full_reads on delete cascade,
    key text[] not null
  )`,
    'create index unsettled_keys_of_read on worker.unsettled_keys (read_id, id)',
    'create table worker.change_counters (mirror text primary key, last bigint not null)',
    `create table worker.change_readers (
    reader text not null,
    mirror text not null,
    position bigint not null,
    updated_at timestamptz not null default now(),
    primary key (reader, mirror)
  )`,
  ]
}

function claimedReaders(): readonly string[] {
  return [
    `alter table worker.change_readers
    add column account text not null default '',
    add column request_id text,
    add column look_again boolean not null default false,
    drop constraint change_readers_pkey,
    add primary key (reader, mirror, account)`,
  ]
}

function webhooks(): string {
  return `create table worker.webhooks (
    account text not null,
    webhook text not null,
    address text not null,
    state text not null default 'live' check (state in ('live', 'parked', 'ended')),
    failing_since timestamptz,
    epoch bigint not null default 0,
    asked_by text,
    primary key (account, webhook)
  )`
}

function unreportedRequests(): string {
  return `create table worker.unreported_requests (
    id bigint generated always as identity primary key,
    request_id text not null,
    account text not null,
    job text not null,
    trigger text not null,
    absorbed boolean not null,
    trace jsonb,
    absorber jsonb,
    accepted_at timestamptz not null default now()
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)`
}

function live(): readonly string[] {
  return [
    'alter table worker.checkpoints add column rung_high text',
    `create table worker.live (
    account text not null,
    job text not null,
    process uuid,
    state text not null default 'connecting' check (state in ('connecting', 'live', 'failing')),
    code text,
    found text,
    remedy text,
    since timestamptz not null default now(),
    primary key (account, job)
  )`,
  ]
}

/** What a run writes is in few of them, and its end on the page of its beginning. */
function fewerIndexes(): readonly string[] {
  return [
    'drop index worker.requests_of_run, worker.requests_of_line, worker.leases_of_process, worker.leases_of_run, worker.runs_ended',
    "create index requests_of_bootstraps on worker.requests (account) where job = 'bootstrap-account'",
    'alter table worker.runs set (fillfactor = 70)',
  ]
}

/**
 * Each statement that writes a row parses and prepares the table's check constraints and the conditions of its partial indexes,
 * which took a fifth of a run's time. What comes from outside is checked before: by `worker.request`, the HTTP API and commands.
 */
function fewerChecks(): readonly string[] {
  return [
    'alter table worker.requests drop constraint requests_priority_check, drop constraint requests_state_check',
    'alter table worker.runs drop constraint runs_state_check',
    'drop index worker.requests_of_bootstrap, worker.requests_of_bootstraps',
    `create index requests_of_bootstraps on worker.requests (account, job)
    where bootstrap_id is not null or job = 'bootstrap-account'`,
  ]
}

/** Dry runs write nothing, so none of them is a success. */
function lastSuccess(): readonly string[] {
  return [
    'alter table worker.leases add column succeeded_at timestamptz',
    `update worker.leases l set succeeded_at = s.at
    from (
      select r.account, r.job, max(r.finished_at) as at from worker.runs r
      where r.state = 'succeeded' and r.trigger <> 'dry-run' group by r.account, r.job
    ) s
    where l.account = s.account and l.job = s.job`,
  ]
}

/** Those that failed are few, and asked for among all that ended. */
function auditAndFailedRequests(): readonly string[] {
  return [
    `create table worker.audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    viewer text not null,
    caller text,
    action text not null,
    wanted jsonb not null,
    affected integer,
    outcome text check (outcome in ('done', 'failed')),
    told text,
    ended_at timestamptz
  )`,
    "create index requests_failed on worker.requests (seq) where state = 'failed'",
  ]
}

/** What a deletion guard keeps, one row per line: each comparison replaces the one before. */
function missingRows(): string {
  return `create table worker.missing_rows (
    id bigint generated always as identity,
    account text not null,
    job text not null,
    compared_at timestamptz not null default now(),
    here bigint not null,
    missing bigint not null,
    keys jsonb not null,
    primary key (account, job)
  )`
}
