import { planByIndex } from './plan-by-index.ts'

/** The same for equal texts, and for equal payloads however they are written. */
const hashOf = (payload: string) => `encode(sha256(convert_to(${payload}::text, 'UTF8')), 'hex')`

/**
 * Adds requests, of which waiting equal ones absorb some. One statement adds all that differ, because preparing it for the table's
 * indexes costs as much as a row. Equal ones follow one another, so that the first absorbs the others. The order is the same in all
 * processes, so that no two wait for each other.
 *
 * Joins of many requests are hashed, also where a function calls it that allows none.
 *
 * Always `do update`, because that locks the absorbing row: a request made inside an open transaction must not be absorbed by one
 * that may run before that commits.
 *
 * `payload` is JSON as text. `bootstrap` is the request whose step this is, and `steps` are the jobs that it must still request
 * after this one. A step is equal to no other request, because each tells one request that it has ended. `trace` says to which trace its runs belong (`TraceHeaders`). The trace of an absorbed request is kept with
 * the absorbing one, whose runs belong to the trace that came first.
 *
 * Returns for each `place` the id, whether nothing was added, the trace of the request that absorbed this one, and the line's
 * lease: a ticket is useful only while nobody holds it.
 */
export const addRequestsFunction = `
create function worker.add_requests(p_requests jsonb)
returns table (place integer, id text, absorbed boolean, kept jsonb, fence bigint, free boolean)
language plpgsql ${planByIndex} set enable_hashjoin = on set enable_mergejoin = on as $$
#variable_conflict use_column
declare
  v_left integer := jsonb_array_length(p_requests);
  v_turn integer := 0;
  v_added integer;
begin
  while v_left > 0 loop
    v_turn := v_turn + 1;
    return query
      with given as materialized (
        select h.*, row_number() over (partition by h.account, h.job, h.payload_hash order by h.place) as turn
        from (
          select g.*, g.payload::jsonb as parsed, ${hashOf('concat(g.bootstrap, g.payload::jsonb)')} as payload_hash
          from jsonb_to_recordset(p_requests) g(place integer, id text, account text, job text, payload text, trigger text,
            priority text, caller text, bootstrap text, steps text[], trace jsonb)
        ) h
      ),
      added as (
        insert into worker.requests as r
          (id, account, job, payload, payload_hash, trigger, caller, priority, rank, bootstrap_id, steps, trace)
        select g.id, g.account, g.job, g.parsed, g.payload_hash, g.trigger, g.caller, g.priority,
          now() + worker.rank_offset(g.priority), g.bootstrap, g.steps, g.trace
        from given g where g.turn = v_turn order by g.account, g.job, g.parsed
        on conflict (account, job, payload_hash) where state = 'waiting' and reserved_for is null do update set
          rank = least(r.rank, excluded.rank),
          priority = case when excluded.rank < r.rank then excluded.priority else r.priority end,
          -- Only the worker's own back-off: a pause that the API asked for is a hold, and a bootstrap waits for its steps.
          due_at = case when excluded.priority = 'high' and r.due_at < 'infinity' then null else r.due_at end,
          absorbed_traces = worker.add_trace(r.absorbed_traces, excluded.trace)
        returning r.id, r.account, r.job, r.payload_hash, r.trace
      )
      select g.place, a.id, a.id <> g.id, case when a.id <> g.id then a.trace end,
        coalesce(l.fence, 0), l.run_id is null and l.occupied_by is null
      from given g
      join added a on a.account = g.account and a.job = g.job and a.payload_hash = g.payload_hash
      left join worker.leases l on l.account = g.account and l.job = g.job
      where g.turn = v_turn;
    get diagnostics v_added = row_count;
    v_left := v_left - v_added;
  end loop;
end $$`

/**
 * Accepts a request in one transaction: the idempotency key, then the request itself, as `worker.add_requests` does.
 *
 * Without `p_waits`, a key whose first request is still being accepted returns at once, without an id.
 *
 * Returns also whether the key belongs to another payload, and whether the first request of the key was absorbed, as its caller was
 * told; and `repeated`, if the transaction has made or locked an equal request before, to which this one adds nothing. A trigger may
 * make one for each row, and Postgres keeps every version of a row until the transaction ends, so each update of it would take
 * longer than the one before.
 */
export const acceptFunction = `
create function worker.accept(
  p_id text, p_account text, p_job text, p_payload jsonb, p_trigger text, p_priority text, p_caller text, p_key text,
  p_bootstrap text, p_steps text[], p_waits boolean default true, p_trace jsonb default null
) returns table (id text, absorbed boolean, conflict boolean, fence bigint, free boolean, said_absorbed boolean, kept jsonb,
  repeated boolean)
language plpgsql ${planByIndex} as $$
#variable_conflict use_column
declare
  v_hash text := ${hashOf('p_payload')};
  v_known worker.idempotency_keys;
begin
  absorbed := true;
  conflict := false;
  fence := 0;
  free := false;
  said_absorbed := false;
  repeated := false;
  if p_key is not null and not p_waits and not pg_try_advisory_xact_lock(
    hashtextextended(jsonb_build_array('key', p_caller, p_account, p_job, p_key)::text, 0))
  then
    return next;
    return;
  end if;
  while p_key is not null loop
    insert into worker.idempotency_keys (caller, account, job, key, payload_hash, request_id)
    values (p_caller, p_account, p_job, p_key, v_hash, p_id)
    on conflict do nothing;
    exit when found;
    select * into v_known from worker.idempotency_keys k
    where k.caller = p_caller and k.account = p_account and k.job = p_job and k.key = p_key;
    -- Deleted with its request in between: this request gets the key.
    continue when v_known.request_id is null;
    id := v_known.request_id;
    conflict := v_known.payload_hash <> v_hash;
    said_absorbed := v_known.absorbed;
    return next;
    return;
  end loop;

  if p_trigger = 'sql' then
    select r.id, r.trace into id, kept from worker.requests r
    where r.account = p_account and r.job = p_job and r.payload_hash = v_hash and r.state = 'waiting' and r.reserved_for is null
      and r.xmin = pg_current_xact_id_if_assigned()::xid
      and r.rank <= now() + worker.rank_offset(p_priority) and (p_priority <> 'high' or r.due_at is null)
      and (p_trace is null or p_trace = r.trace or r.absorbed_traces @> jsonb_build_array(p_trace));
    repeated := found;
  end if;
  if not repeated then
    select a.id, a.absorbed, a.kept, a.fence, a.free into id, absorbed, kept, fence, free
    from worker.add_requests(jsonb_build_array(jsonb_build_object('place', 0, 'id', p_id, 'account', p_account, 'job', p_job,
      'payload', p_payload::text, 'trigger', p_trigger, 'priority', p_priority, 'caller', p_caller, 'bootstrap', p_bootstrap,
      'steps', p_steps, 'trace', p_trace))) a;
  end if;
  said_absorbed := absorbed;

  if p_key is not null and absorbed then
    update worker.idempotency_keys k set request_id = accept.id, absorbed = true
    where k.caller = p_caller and k.account = p_account and k.job = p_job and k.key = p_key;
  end if;
  return next;
end $$`

/** A span may have more links, but nobody reads that many. */
const mostTraces = 16

/** The traces of absorbed requests, with another one. */
export const addTraceFunction = `
create function worker.add_trace(p_traces jsonb, p_trace jsonb) returns jsonb language sql immutable as $$
  select case
    when p_trace is null or jsonb_array_length(p_traces) >= ${mostTraces} then p_traces
    else coalesce(p_traces, '[]') || jsonb_build_array(p_trace)
  end
$$`

/** How far the rank of a priority is before or after the time of the request. It is limited, so that `low` isn't starved. */
export const rankOffsetFunction = `
create function worker.rank_offset(p_priority text) returns interval language sql immutable as $$
  select case p_priority when 'high' then interval '-1 hour' when 'low' then interval '1 hour' else interval '0' end
$$`

/**
 * Makes a request inside the caller's own transaction, for other programs that write to this database. The caller is the
 * database's session user, whatever `set role` says. A payload is parsed when its run starts; an invalid one fails then.
 *
 * The trace comes from the setting `worker.traceparent`: another parameter would make another function, which nobody was granted.
 *
 * All text gets the default collation, that of the indexes. Arguments may have others, and `session_user` has "C": a function takes
 * over the collation of its arguments, and comparisons with it would use no index, or fail if two of them conflict (PL/pgSQL,
 * "Collation of PL/pgSQL Variables").
 */
export const requestFunction = `
create or replace function worker.request(
  job text, account text, payload jsonb default '{}', priority text default 'normal', idempotency_key text default null
) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_job text collate "default" := request.job;
  v_account text collate "default" := request.account;
  v_priority text collate "default" := coalesce(request.priority, 'normal');
  v_key text collate "default" := request.idempotency_key;
  v_caller text collate "default" := 'sql:' || session_user;
  v_accepted record;
  v_parent text := substring(current_setting('worker.traceparent', true)
    from '^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$');
  v_trace jsonb := case when v_parent is not null then jsonb_build_object('traceparent', v_parent) end;
begin
  if v_job is null or v_account is null or request.payload is null then
    raise exception 'worker.request needs a job, an account and a payload'
      using hint = 'Call worker.request(''sync-articles'', ''default'', ''{}'').', errcode = 'null_value_not_allowed';
  end if;
  if v_priority not in ('high', 'normal', 'low') then
    raise exception 'priority "%" is not one of high, normal, low', v_priority using errcode = 'invalid_parameter_value';
  end if;
  if v_key = '' then
    raise exception 'an idempotency key has at least one character'
      using hint = 'Pass null for a request without a key.', errcode = 'invalid_parameter_value';
  end if;
  if v_key is not null then
    -- The key comes before its request, also if the caller checks its own constraints at once.
    set constraints worker.idempotency_keys_request_id_fkey deferred;
  end if;
  select * into v_accepted from worker.accept(gen_random_uuid()::text, v_account, v_job, request.payload, 'sql', v_priority,
    v_caller, v_key, null, null, true, v_trace);
  if v_accepted.conflict then
    raise exception 'idempotency key "%" was used for % with another payload', v_key, v_job
      using hint = 'Give each request its own key.', errcode = 'unique_violation';
  end if;
  if not v_accepted.repeated then
    insert into worker.unreported_requests (request_id, account, job, trigger, absorbed, trace, absorber)
    values (v_accepted.id, v_account, v_job, 'sql', v_accepted.absorbed, v_trace, v_accepted.kept);
    -- Constant, so that the requests of one transaction are one notification.
    perform pg_notify('worker_requests', '');
  end if;
  return v_accepted.id;
end $$`
