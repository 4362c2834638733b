/**
 * Ends a run, in one transaction and once: what it reports, what becomes of its request, the hold that it met, and the lease and
 * the slot, which are free from then on. Asked again with the same run it changes nothing and says `ended` all the same.
 *
 * `p_request_state` is done, failed, cancelled, or waiting: again after `p_pause_ms`, or for a bootstrap after its steps.
 *
 * Returns whether the run was this caller's to end, and the lines to wake: the one of this account that has waited longest; all
 * of its lines when a hold is over.
 */
export const endRunFunction = `
create function worker.end_run(
  p_run uuid, p_state text, p_request_state text, p_pause_ms float8, p_failures integer,
  p_from text, p_to text, p_counts jsonb, p_error jsonb, p_hold jsonb, p_lifts boolean, p_steps text[]
) returns table (ended boolean, account text, job text, fence bigint)
language plpgsql as $$
#variable_conflict use_column
declare
  v_lease worker.leases;
  v_lifted integer := 0;
begin
  select * into v_lease from worker.leases l where l.run_id = p_run for update;
  if not found then
    return query select exists (select from worker.runs r where r.id = p_run and r.state = p_state), null, null, null::bigint;
    return;
  end if;
  if p_request_state = 'waiting' then
    perform worker.put_back(p_run,
      case when p_steps is not null then 'infinity' else now() + make_interval(secs => nullif(p_pause_ms, 0) / 1000) end,
      p_failures);
  else
    perform worker.finish_request(p_run, p_request_state, p_error);
  end if;
  if p_steps is not null then
    perform worker.next_step(r.id, r.account, p_steps) from worker.requests r where r.run_id = p_run;
  end if;
  if p_hold is not null then
    perform worker.place_hold(v_lease.account, v_lease.job, p_hold);
  end if;
  if p_lifts then
    v_lifted := worker.lift_holds(v_lease.account, v_lease.job, 'run');
  end if;
  update worker.requests r set run_id = null where r.run_id = p_run;
  update worker.runs r set state = p_state, finished_at = now(), from_position = p_from, to_position = p_to, counts = p_counts,
    error_code = p_error ->> 'code', error_found = p_error ->> 'found', error_remedy = p_error ->> 'remedy'
  where r.id = p_run;
  delete from worker.run_progress p where p.run_id = p_run;
  update worker.leases l set run_id = null, process = null, slot = null
  where l.account = v_lease.account and l.job = v_lease.job;

  return query
    select true, w.account, w.job, w.fence
    from (select) one left join lateral worker.waiting_lines(v_lease.account, case when v_lifted > 0 then 1000 else 1 end) w on true;
end $$`

/** The free lines of an account that have ready work, those first that have waited longest. */
export const waitingLinesFunction = `
create function worker.waiting_lines(p_account text, p_limit integer)
returns table (account text, job text, fence bigint)
language sql stable as $$
  select l.account, l.job, l.fence
  from worker.leases l
  cross join lateral (
    select r.rank, r.seq from worker.requests r
    where r.account = l.account and r.job = l.job and r.state = 'waiting' and r.due_at is null
    order by r.rank, r.seq limit 1
  ) first
  where l.account = p_account and l.run_id is null and l.occupied_by is null
    and not exists (select from worker.holds h where h.account = l.account and h.job in ('', l.job) and h.probe_at > now())
  order by first.rank, first.seq limit p_limit
$$`

/**
 * The request of a run waits again. When an equal one waits already it takes over: rank, back-off, failures in a row and the
 * bootstrap whose step this was; whoever asks for this one is sent to that.
 */
export const putBackFunction = `
create function worker.put_back(p_run uuid, p_due timestamptz, p_failures integer) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_request worker.requests;
  v_equal worker.requests;
begin
  select * into v_request from worker.requests r where r.run_id = p_run for update;
  if not found then return; end if;
  if v_request.cancel_requested then
    perform worker.finish_request(p_run, 'cancelled', null);
    return;
  end if;
  loop
    begin
      update worker.requests r set state = 'waiting', due_at = p_due, failures = p_failures where r.id = v_request.id;
      return;
    exception when unique_violation then
      select * into v_equal from worker.requests r
      where r.account = v_request.account and r.job = v_request.job and r.payload_hash = v_request.payload_hash
        and r.state = 'waiting' and r.reserved_for is null
      for update;
      if found then
        update worker.requests r set state = 'superseded', superseded_by = v_equal.id, ended_at = now()
        where r.id = v_request.id;
        update worker.requests r set
          rank = least(r.rank, v_request.rank),
          failures = greatest(r.failures, p_failures),
          -- A bootstrap that waits for its steps begins anew with the equal one.
          due_at = case when r.priority = 'high' or p_due = 'infinity' then r.due_at else greatest(r.due_at, p_due) end,
          bootstrap_id = coalesce(r.bootstrap_id, v_request.bootstrap_id),
          steps = coalesce(r.steps, v_request.steps)
        where r.id = v_equal.id;
        return;
      end if;
    end;
  end loop;
end $$`

/** The request of a run has ended. A bootstrap's next step is made here, or the bootstrap ends with it. */
export const finishRequestFunction = `
create function worker.finish_request(p_run uuid, p_state text, p_error jsonb) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_request worker.requests;
begin
  update worker.requests r set state = p_state, ended_at = now(), error_code = p_error ->> 'code',
    error_found = p_error ->> 'found', error_remedy = p_error ->> 'remedy'
  where r.run_id = p_run
  returning * into v_request;
  if v_request.bootstrap_id is null then return; end if;
  if p_state = 'done' then
    perform worker.next_step(v_request.bootstrap_id, v_request.account, v_request.steps);
  else
    update worker.requests b set state = 'failed', ended_at = now(), error_code = 'bootstrap-step',
      error_found = format('The bootstrap of "%s" stopped at %s: %s', b.account, v_request.job,
        case when p_error ->> 'code' = 'job-error' then 'its job failed with an error of its own, which "runs" tells'
          else coalesce(p_error ->> 'found', 'its request was ' || p_state) end),
      error_remedy = coalesce(p_error ->> 'remedy' || '; then ', '') || format('run "bootstrap --account %s" again', b.account)
    where b.id = v_request.bootstrap_id and b.state = 'waiting';
  end if;
end $$`

/** Asks for a bootstrap's next step, unless it was cancelled meanwhile; after the last one the account is complete. */
export const nextStepFunction = `
create function worker.next_step(p_bootstrap text, p_account text, p_steps text[]) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  perform from worker.requests b where b.id = p_bootstrap and b.state = 'waiting' for update;
  if not found then return; end if;
  if cardinality(p_steps) > 0 then
    perform worker.accept(gen_random_uuid()::text, p_account, p_steps[1], '{}', 'bootstrap', 'normal', '', null,
      p_bootstrap, p_steps[2:]);
  else
    update worker.requests b set state = 'done', ended_at = now() where b.id = p_bootstrap;
    update worker.accounts a set bootstrapped_at = now() where a.name = p_account;
  end if;
end $$`
