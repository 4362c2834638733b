import { sql } from 'kysely'
import type { ServedLine } from '../../../src/serving/served-lines.ts'
import { openDatabase } from '../../../src/store/open-database.ts'
import type { Store } from '../../../src/store/store.ts'
import { captureLog } from '../../fixtures/captured-log.ts'
import { openDataDir } from '../../fixtures/data-dir.ts'
import { type StoreRows, storeRows } from './state.ts'

/** A store whose rows are those of one state after the other. */
export interface ModelStore extends AsyncDisposable {
  /** Carries out a call on these rows; `key` tells it from all others of its kind. The same call on the same rows is made once. */
  asks<T>(): AskedBefore<T>
}

type AskedBefore<T> = (rows: StoreRows, key: string, call: (store: Store) => Promise<T>) => Promise<Asked<T>>

export interface Asked<T> {
  readonly answer: T
  /** Shared by all who ask the same: not to be changed. */
  readonly after: StoreRows
}

/** When the n-th instant of a schedule was: long ago, and each another day. */
export const instantOf = (n: number) => new Date(Date.UTC(2000, 0, n))

/** A lease of before is older than this, and one of after is younger: what `look` gets as its last look. */
export const lastLookAt = new Date(Date.UTC(2001, 0))

/** Rows are deleted and written so often that what was deleted has to be swept out. */
const loadsPerVacuum = 300

export async function openModelStore(lines: readonly ServedLine[]): Promise<ModelStore> {
  await using opened = new AsyncDisposableStack()
  const { path } = opened.use(await openDataDir())
  const { store } = opened.use(await openDatabase({ dataDir: path }, captureLog().log))
  for (const statement of functions) await sql.raw(statement).execute(store)
  // Later than all that is loaded.
  await sql`select setval(pg_get_serial_sequence('worker.requests', 'seq'), 1000)`.execute(store)
  const closing = opened.move()
  /** What each table holds now. */
  const held = new Map<string, string>()
  let loads = 0

  async function load(rows: StoreRows): Promise<void> {
    loads += 1
    if (loads % loadsPerVacuum === 0) await sql`vacuum`.execute(store)
    const served = rows.processes.flatMap(({ id }) => lines.map(line => ({ process: id, ...line })))
    const tables = Object.entries({ ...rows, served }).map(([table, of]) => [table, JSON.stringify(of)] as const)
    const changed = tables.filter(([table, of]) => held.get(table) !== of)
    for (const [table, of] of changed) held.set(table, of)
    if (changed.length === 0) return
    // The two are one table.
    if (changed.some(([table]) => table === 'leases' || table === 'lines'))
      changed.push(...tables.filter(([table]) => table === 'leases' || table === 'lines'))
    const given = `{${changed.map(([table, of]) => `${JSON.stringify(table)}:${of}`).join()}}`
    await sql`select model.load(${given}::jsonb)`.execute(store)
  }

  async function dump(): Promise<StoreRows> {
    const { rows } = await sql<{ rows: unknown }>`select model.dump() as rows`.execute(store)
    const dumped = storeRows.parse(rows[0]?.rows)
    for (const [table, of] of Object.entries(dumped)) held.set(table, JSON.stringify(of))
    return dumped
  }

  return {
    asks<T>(): AskedBefore<T> {
      const known = new Map<string, Asked<T>>()
      return async (rows, key, call) => {
        const wanted = `${key} ${JSON.stringify(rows)}`
        const before = known.get(wanted)
        if (before) return before
        await load(rows)
        const asked: Asked<T> = { answer: await call(store), after: await dump() }
        known.set(wanted, asked)
        return asked
      }
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

const rowsOf = (query: string) => `(select coalesce(jsonb_agg(to_jsonb(q)), '[]') from (${query}) q)`

const dump = `
create function model.dump() returns jsonb language sql as $$
  select jsonb_build_object(
    'processes', ${rowsOf('select id, expires_at > now() as alive from worker.processes order by id')},
    'requests', ${rowsOf(`
      select id, account, job, payload, payload_hash as hash, trigger, priority, case when ended_at is null
          then row_number() over (partition by ended_at is null order by rank, seq) else 0 end as place,
        state, case when due_at is null then 'ready' when due_at = 'infinity' then 'steps' when due_at > now() then 'later'
          else 'due' end as due,
        failures, interruptions, run_id as run, reserved_for as reserved, cancel_requested as cancelling,
        bootstrap_id as bootstrap, steps, superseded_by as successor, ended_at is not null as ended
      from worker.requests order by seq`)},
    'keys', ${rowsOf(`
      select caller, account, job, key, payload_hash as hash, request_id as request from worker.idempotency_keys
      order by caller, account, job, key`)},
    'leases', ${rowsOf(`
      select account, job, run_id as run, process, slot,
        case when taken_at < '${lastLookAt.toISOString()}' then 'before' else 'after' end as taken,
        coalesce(origin = worker.lease_origin(xmin), false) as intact
      from worker.leases where run_id is not null or process is not null or slot is not null`)},
    'lines', ${rowsOf('select account, job from worker.leases order by account, job')},
    'runs', ${rowsOf('select id, request_id as request, account, job, trigger, attempt, state, process from worker.runs order by id')},
    'holds', ${rowsOf(`
      select account, job, met_by as "metBy", code, case when probe_at > now() then 'later' else 'due' end as probe,
        case when asked_until is null then 'none' when asked_until > now() then 'later' else 'over' end as asked
      from worker.holds order by account, job`)},
    'schedules', ${rowsOf(`
      select account, job, case when next_run_at > now() then 0
        else extract(day from next_run_at at time zone 'UTC') end::integer as due
      from worker.schedules order by account, job`)},
    'bootstrapped', (select coalesce(jsonb_agg(name order by name), '[]') from worker.accounts where bootstrapped_at is not null)
  )
$$`

const over = `now() - interval '1 minute'`
const toCome = `now() + interval '1 hour'`

const load = `
create function model.load(p jsonb) returns void language plpgsql set session_replication_role = replica as $$
begin
  if p ? 'processes' then
    delete from worker.processes;
    insert into worker.processes (id, host, pid, expires_at)
      select id, 'model', 1, case when alive then ${toCome} else ${over} end
      from jsonb_to_recordset(p -> 'processes') r(id uuid, alive boolean);
  end if;
  if p ? 'served' then
    delete from worker.served_lines;
    insert into worker.served_lines (process, account, job, after_bootstrap, has_schedule, slots)
      select process, account, job, "afterBootstrap", "hasSchedule", slots
      from jsonb_to_recordset(p -> 'served')
        r(process uuid, account text, job text, "afterBootstrap" boolean, "hasSchedule" boolean, slots integer);
  end if;
  if p ? 'requests' then
    delete from worker.requests;
    insert into worker.requests (id, seq, account, job, payload, payload_hash, trigger, caller, priority, rank, state, due_at, failures,
        interruptions, run_id, reserved_for, cancel_requested, bootstrap_id, steps, superseded_by, ended_at)
      overriding system value
      select id, row_number() over (), account, job, payload, hash, trigger, '', priority,
        case when reserved is null then now() - make_interval(secs => 600 - place) else '-infinity' end, state,
        case due when 'ready' then null when 'due' then ${over} when 'later' then ${toCome} else 'infinity' end,
        failures, interruptions, run, reserved, cancelling, bootstrap, steps, successor, case when ended then ${over} end
      from jsonb_to_recordset(p -> 'requests') r(id text, account text, job text, payload jsonb, hash text, trigger text,
        priority text, place integer, state text, due text, failures integer, interruptions integer, run uuid, reserved uuid,
        cancelling boolean, bootstrap text, steps text[], successor text, ended boolean);
  end if;
  if p ? 'keys' then
    delete from worker.idempotency_keys;
    insert into worker.idempotency_keys (caller, account, job, key, payload_hash, request_id)
      select caller, account, job, key, hash, request
      from jsonb_to_recordset(p -> 'keys') r(caller text, account text, job text, key text, hash text, request text);
  end if;
  if p ? 'leases' or p ? 'lines' then
    delete from worker.leases;
    insert into worker.leases (account, job, fence)
      select account, job, 1 from jsonb_to_recordset(p -> 'lines') r(account text, job text);
    insert into worker.leases (account, job, fence, run_id, process, slot, taken_at, origin)
      select account, job, 1, run, process, slot,
        timestamptz '${lastLookAt.toISOString()}' + case taken when 'before' then interval '-1 day' else interval '1 day' end,
        case when intact then worker.lease_origin(pg_current_xact_id()::xid) end
      from jsonb_to_recordset(p -> 'leases')
        r(account text, job text, run uuid, process uuid, slot integer, taken text, intact boolean)
      on conflict (account, job) do update set run_id = excluded.run_id, process = excluded.process, slot = excluded.slot,
        taken_at = excluded.taken_at, origin = excluded.origin;
  end if;
  if p ? 'runs' then
    delete from worker.runs;
    insert into worker.runs (id, request_id, account, job, trigger, attempt, state, process, fence)
      select id, request, account, job, trigger, attempt, state, process, 1
      from jsonb_to_recordset(p -> 'runs') r(id uuid, request text, account text, job text, trigger text, attempt integer,
        state text, process uuid);
  end if;
  if p ? 'holds' then
    delete from worker.holds;
    insert into worker.holds (account, job, met_by, code, found, probe_at, asked_until)
      select account, job, "metBy", code, '', case probe when 'later' then ${toCome} else ${over} end,
        case asked when 'later' then ${toCome} when 'over' then ${over} end
      from jsonb_to_recordset(p -> 'holds') r(account text, job text, "metBy" text, code text, probe text, asked text);
  end if;
  if p ? 'schedules' then
    delete from worker.schedules;
    insert into worker.schedules (account, job, rule, next_run_at)
      select account, job, '', case due when 0 then ${toCome} else timestamptz '2000-01-01 00:00:00Z' + make_interval(days => due - 1) end
      from jsonb_to_recordset(p -> 'schedules') r(account text, job text, due integer);
  end if;
  if p ? 'bootstrapped' then
    delete from worker.accounts;
    insert into worker.accounts (name, issuer, subject, endpoint, first_login, bootstrapped_at)
      select name, '', '', '', 'visible', ${over} from jsonb_array_elements_text(p -> 'bootstrapped') name;
  end if;
end $$`

const functions = ['create schema model', dump, load]
