import { planByIndex } from './plan-by-index.ts'

/**
 * The heartbeat of a process, in a statement that never waits. `p_runs` are its active runs, whose claims have been answered. Rows
 * of the result, by `kind`:
 * - lost: an active run that has lost its lease
 * - cancel: an active run that someone wants to cancel
 */
export const beatFunction = `
create function worker.beat(p_process uuid, p_host text, p_pid integer, p_life_seconds float8, p_runs uuid[])
returns table (kind text, run_id uuid)
language plpgsql ${planByIndex} as $$
#variable_conflict use_column
declare
  v_expires timestamptz := now() + make_interval(secs => p_life_seconds);
begin
  update worker.processes p set expires_at = v_expires where p.id = p_process and p.expires_at > now();
  if not found then
    insert into worker.processes (id, host, pid, expires_at) values (p_process, p_host, p_pid, v_expires)
    on conflict (id) do update set expires_at = excluded.expires_at;
  end if;
  -- A store that went back may not know the run at all.
  return query
    select 'lost', given.id from unnest(p_runs) given(id) left join worker.runs r on r.id = given.id
    where not exists (
      select from worker.leases l
      where l.account = r.account and l.job = r.job and l.run_id = r.id and l.origin = worker.lease_origin(l.xmin));
  return query
    select 'cancel', r.id from worker.runs r join worker.requests q on q.id = r.request_id
    where r.id = any(p_runs) and q.run_id = r.id and q.cancel_requested;
end $$`

/**
 * A process's look, once a second: it puts back what nobody runs any more, makes due requests ready, and returns the rest. Rows
 * of the result, by `kind`:
 * - wake: a free line with ready requests that this process serves
 * - tick: a due schedule, and when it was due
 * - accepted: in `accepted` a request that the database accepted, which no process has reported to its observer yet; it is returned
 *   to one process, once
 * - unserved: the store has no lines of this process
 * - now: in `due_at` the store's time, and in `next_at` when the next schedule or request becomes due
 *
 * `p_since` is `now` of the previous look: `p_runs`, the active runs, can't include claims made after it. Rows locked
 * by another open transaction are left for the next look. A version that doesn't know `p_reports` leaves `accepted` to others.
 */
export const lookFunction = `
create function worker.look(p_process uuid, p_runs uuid[], p_since timestamptz, p_lines integer, p_ticks integer,
  p_reports integer default 0)
returns table (kind text, account text, job text, fence bigint, due_at timestamptz, next_at timestamptz, accepted jsonb)
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
  v_run record;
begin
  -- Recorded for this process but not one of its runs or claims: a claim whose answer was lost, or a run that
  -- had ended, in a store that returned to an earlier state.
  for v_run in
    select l.run_id from worker.leases l
    where l.slot is not null and l.process = p_process and l.run_id <> all(p_runs) and l.taken_at < p_since
    order by l.account, l.job
  loop
    begin
      perform worker.end_interrupted(v_run.run_id, 'waiting', false, jsonb_build_object('code', 'interrupted',
        'found', 'The answer to the claim of this run was lost, or the store went back to before its end'));
    exception when lock_not_available or deadlock_detected then null;
    end;
  end loop;
  perform worker.reap(20);

  update worker.requests r set due_at = null
  where r.id in (
    select d.id from worker.requests d where d.state = 'waiting' and d.due_at <= now()
    order by d.due_at limit 500 for update skip locked);

  return query
    select 'wake', w.account, w.job, w.fence, null::timestamptz, null::timestamptz, null::jsonb
    from worker.ready_lines(p_process, p_lines) w;
  return query
    select 'tick', s.account, s.job, null::bigint, s.next_run_at, null::timestamptz, null::jsonb
    from worker.schedules s
    join worker.served_lines v on v.process = p_process and v.account = s.account and v.job = s.job
    where not s.paused and s.next_run_at <= now() and v.has_schedule and worker.may_tick(s.account, s.job, v.after_bootstrap)
    order by s.next_run_at limit p_ticks;
  return query
    with reported as (
      -- An array is read once; a join may be planned so that it locks all of them again for each row.
      delete from worker.unreported_requests u where u.id = any (array(
        select n.id from worker.unreported_requests n order by n.id limit p_reports for update skip locked))
      returning u.*)
    select 'accepted', r.account, r.job, null::bigint, null::timestamptz, null::timestamptz, to_jsonb(r)
    from reported r order by r.id;
  return query select 'unserved', null, null, null::bigint, null::timestamptz, null::timestamptz, null::jsonb
    where not exists (select from worker.served_lines v where v.process = p_process);
  return query select 'now', null, null, null::bigint, now(), least(
    (select min(r.due_at) from worker.requests r where r.state = 'waiting' and r.due_at > now() and r.due_at < 'infinity'),
    (select min(s.next_run_at) from worker.schedules s where not s.paused and s.next_run_at > now())), null::jsonb;
end $$`

/**
 * The lines that a process serves and that may be claimed now, those served longest ago first: with ready requests, no run, no
 * hold, and at most as many per account as it has free slots. It walks the index of ready requests line by line, so its cost
 * depends on the number of lines with work, not of requests.
 *
 * A line whose first request another transaction has locked takes no place from them and comes after all others: a claim may find
 * nothing in it, for as long as that transaction stays open.
 */
export const readyLinesFunction = `
create function worker.ready_lines(p_process uuid, p_limit integer)
returns table (account text, job text, fence bigint)
language sql stable as $$
  with recursive line as (
    (select r.account, r.job, r.rank, r.seq, r.reserved_for, r.xmax as locked_by from worker.requests r
      where r.state = 'waiting' and r.due_at is null
      order by r.account, r.job, r.rank, r.seq limit 1)
    union all
    select n.account, n.job, n.rank, n.seq, n.reserved_for, n.locked_by from line cross join lateral (
      select r.account, r.job, r.rank, r.seq, r.reserved_for, r.xmax as locked_by from worker.requests r
      where r.state = 'waiting' and r.due_at is null and (r.account, r.job) > (line.account, line.job)
      order by r.account, r.job, r.rank, r.seq limit 1) n
  ), open_transaction as materialized (
    -- Not this one, which has locked what it has just made ready.
    select k.transactionid from pg_catalog.pg_locks k
    where k.locktype = 'transactionid' and k.granted and k.pid <> pg_backend_pid()
  ), free as (
    select line.account, line.job, line.rank, line.seq, coalesce(l.fence, 0) as fence, l.taken_at,
      v.first_slot, v.slots, found.is_locked, count(*) filter (where not found.is_locked)
        over (partition by line.account, v.first_slot order by line.rank, line.seq) as place
    from line
    join worker.served_lines v on v.process = p_process and v.account = line.account and v.job = line.job
    left join worker.leases l on l.account = line.account and l.job = line.job
    cross join lateral (select line.locked_by in (select transactionid from open_transaction) as is_locked) found
    where line.reserved_for is null and l.run_id is null and l.occupied_by is null
      and not exists (select from worker.holds_of(line.account, line.job) h where h.probe_at > now())
  )
  select f.account, f.job, f.fence from free f
  where greatest(f.place, 1) <= f.slots - (
    select count(*) from worker.leases o
    where o.account = f.account and o.slot >= f.first_slot and o.slot < f.first_slot + f.slots)
  order by f.is_locked, f.taken_at nulls first, f.rank, f.seq limit p_limit
$$`

/**
 * Ends the runs of dead processes as interrupted. Their requests run again, after growing pauses from the third consecutive run
 * without progress, and finally fail. What a command had reserved ends with it: foreground runs, and lines that it kept free.
 */
export const reapFunction = `
create function worker.reap(p_limit integer) returns void
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
  v_run record;
begin
  for v_run in
    select l.run_id, q.reserved_for
    from worker.leases l
    left join worker.runs r on r.id = l.run_id
    left join worker.requests q on q.id = r.request_id
    where l.slot is not null
      and not exists (select from worker.living_processes() p where p.id = l.process)
    order by l.account, l.job limit p_limit
    for update of l skip locked
  loop
    begin
      perform worker.end_interrupted(v_run.run_id, case when v_run.reserved_for is null then 'waiting' else 'failed' end,
        true, worker.interruption(1));
    exception when lock_not_available or deadlock_detected then null;
    end;
  end loop;
  update worker.leases l set occupied_by = null, process = null
  where l.occupied_by is not null
    and not exists (select from worker.living_processes() p where p.id = l.process);
  update worker.requests r set state = 'failed', ended_at = now(), error_code = 'interrupted',
    error_found = worker.interruption(1) ->> 'found'
  where r.id in (
    select q.id from worker.requests q where q.state = 'waiting' and q.reserved_for is not null
      and not exists (select from worker.living_processes() p where p.id = q.reserved_for)
    order by q.id limit p_limit for update skip locked);
end $$`
