/**
 * What a process does once a second, in one exchange: it says that it lives and which runs it has in hand, puts back what nobody
 * has in hand any more, makes ready what is due, and asks what there is to do. Any number of processes do so at once.
 *
 * Rows of the answer, by `kind`:
 * - registered: this process was unknown or taken for dead, and is alive again
 * - lost: a run in hand that has lost its lease
 * - cancel: a run in hand that somebody wants to end
 * - wake: a free line with ready work that this process serves; some at a time, those that waited longest first
 * - tick: a schedule that is due, and the instant at which it was due
 * - now: the store's time, and in `next_at` when the next schedule or request that waits becomes due
 *
 * `p_since` is `now` of the pulse before: `p_runs` can't know of claims that were made after it.
 */
export const pulseFunction = `
create function worker.pulse(
  p_process uuid, p_host text, p_pid integer, p_life_seconds float8, p_runs uuid[], p_since timestamptz,
  p_lines integer, p_ticks integer
) returns table (
  kind text, account text, job text, fence bigint, run_id uuid, due_at timestamptz, next_at timestamptz
)
language plpgsql as $$
#variable_conflict use_column
declare
  v_expires timestamptz := now() + make_interval(secs => p_life_seconds);
begin
  update worker.processes p set expires_at = v_expires where p.id = p_process and p.expires_at > now();
  if not found then
    insert into worker.processes (id, host, pid, expires_at) values (p_process, p_host, p_pid, v_expires)
    on conflict (id) do update set expires_at = excluded.expires_at;
    return query select 'registered', null, null, null::bigint, null::uuid, null::timestamptz, null::timestamptz;
  end if;

  -- A claim whose answer never came: it is in this process's name, and not among the runs that it has or has asked for.
  perform worker.end_run(l.run_id, 'interrupted', 'waiting', 0, r.attempt - 1, null, null, null,
      jsonb_build_object('code', 'interrupted', 'found', 'The answer to the claim of this run was lost'), null, false, null)
    from worker.leases l join worker.runs r on r.id = l.run_id
    where l.process = p_process and l.run_id <> all(p_runs) and l.taken_at < p_since;
  perform worker.reap(20);

  update worker.requests r set due_at = null
  where r.id in (
    select d.id from worker.requests d where d.state = 'waiting' and d.due_at <= now()
    order by d.due_at limit 500 for update skip locked);

  return query
    select 'lost', null, null, null::bigint, given.id, null::timestamptz, null::timestamptz
    from unnest(p_runs) given(id)
    where not exists (select from worker.leases l where l.run_id = given.id)
      and exists (select from worker.runs r where r.id = given.id);
  return query
    select 'cancel', null, null, null::bigint, r.run_id, null::timestamptz, null::timestamptz
    from worker.requests r where r.run_id = any(p_runs) and r.cancel_requested;
  return query
    select 'wake', w.account, w.job, w.fence, null::uuid, null::timestamptz, null::timestamptz
    from worker.ready_lines(p_process, p_lines) w;
  return query
    select 'tick', s.account, s.job, null::bigint, null::uuid, s.next_run_at, null::timestamptz
    from worker.schedules s
    join worker.served_lines v on v.process = p_process and v.account = s.account and v.job = s.job
    where not s.paused and s.next_run_at <= now() and worker.may_tick(s.account, s.job, v.after_bootstrap)
    order by s.next_run_at limit p_ticks;
  return query select 'now', null, null, null::bigint, null::uuid, now(), least(
    (select min(r.due_at) from worker.requests r where r.state = 'waiting' and r.due_at is not null),
    (select min(s.next_run_at) from worker.schedules s where not s.paused and s.next_run_at > now()));
end $$`

/**
 * The lines that a process serves and that have ready work and no run, those first that have waited longest. It steps from line
 * to line through the index of what is ready, so that its cost is that of the lines with work and not of the requests.
 */
export const readyLinesFunction = `
create function worker.ready_lines(p_process uuid, p_limit integer)
returns table (account text, job text, fence bigint)
language sql stable as $$
  with recursive line as (
    (select r.account, r.job, r.rank, r.seq from worker.requests r
      where r.state = 'waiting' and r.due_at is null
      order by r.account, r.job, r.rank, r.seq limit 1)
    union all
    select n.account, n.job, n.rank, n.seq from line cross join lateral (
      select r.account, r.job, r.rank, r.seq from worker.requests r
      where r.state = 'waiting' and r.due_at is null and (r.account, r.job) > (line.account, line.job)
      order by r.account, r.job, r.rank, r.seq limit 1) n
  )
  select line.account, line.job, coalesce(l.fence, 0)
  from line
  join worker.served_lines v on v.process = p_process and v.account = line.account and v.job = line.job
  left join worker.leases l on l.account = line.account and l.job = line.job
  where l.run_id is null and l.occupied_by is null
    and not exists (
      select from worker.holds h where h.account = line.account and h.job in ('', line.job) and h.probe_at > now())
  order by line.rank, line.seq limit p_limit
$$`

/** A new account's first syncs are made by its bootstrap in their order: ticks of a job come after its step. */
export const mayTickFunction = `
create function worker.may_tick(p_account text, p_job text, p_after_bootstrap boolean) returns boolean
language sql stable as $$
  select not p_after_bootstrap
    or exists (select from worker.accounts a where a.name = p_account and a.bootstrapped_at is not null)
    or exists (select from worker.requests r
      where r.account = p_account and r.job = p_job and r.state = 'done' and r.bootstrap_id is not null)
    or exists (select from worker.requests r
      where r.account = p_account and r.job = 'bootstrap-account' and r.state = 'failed')
$$`

/**
 * Ends the runs of dead processes as interrupted: their requests run again. What a command had reserved ends with it: foreground
 * runs, and lines that it kept free.
 */
export const reapFunction = `
create function worker.reap(p_limit integer) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_lease record;
begin
  for v_lease in
    select l.run_id, r.attempt, q.reserved_for from worker.leases l
    join worker.runs r on r.id = l.run_id
    join worker.requests q on q.id = r.request_id
    where l.run_id is not null
      and not exists (select from worker.processes p where p.id = l.process and p.expires_at > now())
    order by l.account, l.job limit p_limit
    for update of l skip locked
  loop
    perform worker.end_run(v_lease.run_id, 'interrupted', case when v_lease.reserved_for is null then 'waiting' else 'failed' end,
      0, v_lease.attempt - 1, null, null, null, worker.interruption(), null, false, null);
  end loop;
  update worker.leases l set occupied_by = null, process = null
  where l.occupied_by is not null
    and not exists (select from worker.processes p where p.id = l.process and p.expires_at > now());
  update worker.requests r set state = 'failed', ended_at = now(), error_code = 'interrupted',
    error_found = worker.interruption() ->> 'found', error_remedy = worker.interruption() ->> 'remedy'
  where r.id in (
    select q.id from worker.requests q where q.state = 'waiting' and q.reserved_for is not null
      and not exists (select from worker.processes p where p.id = q.reserved_for and p.expires_at > now())
    order by q.id limit p_limit for update skip locked);
end $$`

export const interruptionFunction = `
create function worker.interruption() returns jsonb language sql immutable as $$
  select jsonb_build_object('code', 'interrupted', 'found', 'The process that ran it ended, or stood still for 6 seconds')
$$`
