import { sql } from 'kysely'
import type { Store } from '../../src/store/store.ts'

/** Every table of the store with a column that names an account, as the catalog has them, so that a new one is among them. */
export async function findAccountTables(store: Store): Promise<readonly { table: string; column: string }[]> {
  const { rows } = await sql<{ table: string; column: string }>`
    select format('%I.%I', c.table_schema, c.table_name) as table, c.column_name as column
    from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
    where c.table_schema in ('worker', 'mirror') and t.table_type = 'BASE TABLE'
      and (c.column_name in ('account', '_account') or c.table_name = 'accounts' and c.column_name = 'name')
    order by 1`.execute(store)
  return rows
}

/** How many rows each of these tables has of an account. */
export async function countRows(store: Store, account: string): Promise<Readonly<Record<string, number>>> {
  const counts: [string, number][] = []
  for (const { table, column } of await findAccountTables(store)) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from ${sql.raw(table)} where ${sql.id(column)} = ${account}`.execute(store)
    counts.push([table, rows[0]?.count ?? 0])
  }
  return Object.fromEntries(counts)
}

/** A row of the account in each table of schema `worker`, as a long life with outages would leave them. */
export async function recordEverything(store: Store, account: string): Promise<void> {
  const statements = [
    sql`insert into worker.accounts (name, issuer, subject, endpoint) values (${account}, '', '', '') on conflict do nothing`,
    sql`insert into worker.checkpoints (account, job, fingerprint) values (${account}, 'old-job', '')`,
    sql`with begun as (
        insert into worker.full_reads (account, job, purpose, definition, started_at, staged, dry_run, request_id)
        values (${account}, 'old-job', 'sweep', '', '', true, false, '') returning id
      ), ranged as (insert into worker.full_read_ranges (read_id, range) select id, 0 from begun
      ), staged as (insert into worker.staged_keys (read_id, key) select id, array[${account}] from begun)
      insert into worker.unsettled_keys (read_id, key) select id, array[${account}] from begun`,
    sql`insert into worker.change_readers (reader, mirror, account, position) values ('reader', 'topics', ${account}, 1)`,
    sql`insert into worker.webhooks (account, webhook, address) values (${account}, 'old-webhook', '')`,
    sql`insert into worker.schedules (account, job, rule, next_run_at) values (${account}, 'old-job', '', now())`,
    sql`select worker.accept(gen_random_uuid()::text, ${account}, 'old-job', ${JSON.stringify({ of: account })}::jsonb, 'http',
      'normal', 'somebody', ${`key of ${account}`}, null, null)`,
    sql`insert into worker.unreported_requests (request_id, account, job, trigger, absorbed) values ('r', ${account}, 'old-job', 'sql', false)`,
    sql`insert into worker.holds (account, job, met_by, code, found, probe_at)
      values (${account}, '', 'gate', 'claims', ${`Account "${account}" has no claims`}, now())`,
    sql`with ended as (
        insert into worker.runs (id, request_id, account, job, trigger, attempt, process, fence)
        values (gen_random_uuid(), '', ${account}, 'old-job', 'http', 1, gen_random_uuid(), 1) returning id)
      insert into worker.run_progress (run_id, progress) select id, ${JSON.stringify({ of: account })}::jsonb from ended`,
    sql`insert into worker.leases (account, job, fence) values (${account}, 'old-job', 7)`,
    sql`insert into worker.missing_rows (account, job, here, missing, keys)
      values (${account}, 'old-job', 1, 1, jsonb_build_array(jsonb_build_array(${account}::text)))`,
    sql`insert into worker.audit (viewer, action, wanted, outcome, told) values
      ('somebody', 'run', jsonb_build_object('account', ${account}::text), 'failed', ${`Account "${account}" has no job`}),
      ('somebody', 'run', '{"job": "old-job"}', 'failed', ${`Account "${account}" has no job`})`,
    sql`insert into worker.live (account, job) values (${account}, '')`,
    sql`with dead as (
        insert into worker.processes (id, host, pid, expires_at)
        values (gen_random_uuid(), 'elsewhere', 1, now() - interval '1 minute') returning id)
      insert into worker.served_lines (process, account, job, after_bootstrap) select id, ${account}, 'old-job', true from dead`,
  ]
  for (const statement of statements) await statement.execute(store)
}

/** A mirrored row of the account, where another one has one. */
export async function mirrorTopic(store: Store, account: string): Promise<void> {
  await sql`insert into mirror.topics select (jsonb_populate_record(t,
      jsonb_build_object('_account', ${account}::text, '_change', (select max(_change) + 1 from mirror.topics)))).*
    from mirror.topics t limit 1`.execute(store)
}
