import { planByIndex } from './plan-by-index.ts'

/**
 * Ends a run, once and in one transaction: its report, what happens to its request, the hold that it places, and lease and slot,
 * which become free. Repeating it for the same run changes nothing and also returns `ended`.
 *
 * `p_request_state` is done, failed, cancelled, or waiting: again after `p_pause_ms`, or until its steps are done.
 * `p_next` is the run that takes over lease and slot if the line has another ready request; with `p_yields` only if no other line
 * of the account waits.
 *
 * Rows of the result, by `kind`; none if this caller doesn't own the run:
 * - ended: always
 * - run: `p_next` has started, with the same columns as a claim
 * - wake: a line that may have work: the one of this account that has waited longest, or all of them if a hold was lifted
 * - lifted: a lifted hold, with code and scope in `hold`
 */
export const endRunFunction = `
create function worker.end_run(
  p_run uuid, p_state text, p_request_state text, p_pause_ms float8, p_failures integer,
  p_from text, p_to text, p_counts jsonb, p_error jsonb, p_hold jsonb, p_lifts boolean, p_steps text[], p_next uuid default null,
  p_yields boolean default false
) returns table (
  kind text, account text, job text, fence bigint,
  request_id text, payload jsonb, trigger text, failures integer, probed boolean,
  issuer text, subject text, endpoint text, first_login text, trace jsonb, absorbed_traces jsonb, hold jsonb
)
language plpgsql ${planByIndex} as $$
#variable_conflict use_column
declare
  v_run record;
  v_process uuid;
  v_slot integer;
  v_request worker.requests;
  v_is_step boolean;
  v_state text := p_request_state;
  v_error jsonb := p_error;
  v_lifted integer := 0;
  v_goes_on boolean := p_next is not null;
  v_succeeded boolean;
begin
  kind := 'ended';
  select r.account, r.job, r.trigger, r.request_id into v_run from worker.runs r where r.id = p_run;
  select l.process, l.slot into v_process, v_slot from worker.leases l
  where l.account = v_run.account and l.job = v_run.job and l.run_id = p_run
    -- A store that returned to an earlier state may lack what the run wrote, so the request runs again.
    and (p_state = 'interrupted' or l.origin = worker.lease_origin(l.xmin))
  for update;
  if not found then
    -- Read again: an earlier call whose answer was lost may have ended it while this one waited for the lease.
    if exists (select from worker.runs r where r.id = p_run and r.state = p_state) then return next; end if;
    return;
  end if;
  return next;

  if v_state = 'waiting' then
    select * into v_request from worker.requests r where r.id = v_run.request_id for update;
    if v_request.cancel_requested then
      v_state := 'cancelled';
      v_error := null;
    end if;
  end if;
  if v_state = 'waiting' then
    perform worker.put_back(v_request,
      case when p_steps is not null then 'infinity' else now() + make_interval(secs => nullif(p_pause_ms, 0) / 1000) end,
      p_failures);
    if p_steps is not null then
      perform worker.next_step(v_request.id, p_steps);
    end if;
  else
    update worker.requests r set state = v_state, ended_at = now(), run_id = null, error_code = v_error ->> 'code',
      error_found = v_error ->> 'found', error_remedy = v_error ->> 'remedy'
    where r.id = v_run.request_id
    returning r.bootstrap_id is not null into v_is_step;
    if v_is_step then
      select * into v_request from worker.requests r where r.id = v_run.request_id;
      perform worker.end_step(v_request, v_state, v_error);
    end if;
  end if;
  if p_hold is not null then
    perform worker.place_hold(v_run.account, v_run.job, p_hold);
  end if;
  if p_lifts and exists (select from worker.holds_of(v_run.account, v_run.job)) then
    for hold in select to_jsonb(h) from worker.lift_holds(v_run.account, v_run.job) h loop
      kind := 'lifted';
      return next;
      v_lifted := v_lifted + 1;
    end loop;
    hold := null;
  end if;
  update worker.runs r set state = p_state, finished_at = now(), from_position = p_from, to_position = p_to, counts = p_counts,
    error_code = p_error ->> 'code', error_found = p_error ->> 'found', error_remedy = p_error ->> 'remedy'
  where r.id = p_run;

  v_succeeded := p_state = 'succeeded' and v_run.trigger <> 'dry-run';
  if v_goes_on and p_yields then
    v_goes_on := not exists (select from worker.waiting_lines(v_run.account, 1));
  end if;
  if v_goes_on then
    return query
      select 'run', v_run.account, v_run.job, null::bigint, c.request_id, c.payload, c.trigger, c.failures, c.probed,
        c.issuer, c.subject, c.endpoint, c.first_login, c.trace, c.absorbed_traces, null::jsonb
      from worker.claim(v_run.account, v_run.job, p_next, v_process, 0, null, p_run, v_succeeded) c where c.verdict = 'run';
    v_goes_on := found;
  end if;
  if not v_goes_on then
    update worker.leases l set run_id = null, process = null, slot = null,
      succeeded_at = case when v_succeeded then now() else l.succeeded_at end
    where l.account = v_run.account and l.job = v_run.job;
  end if;
  if v_lifted > 0 or not v_goes_on then
    for account, job, fence in
      select w.account, w.job, w.fence
      from worker.waiting_lines(v_run.account,
        case when v_lifted > 0 then 1000 else 1 end, case when v_lifted = 0 then v_slot end) w
    loop
      kind := 'wake';
      return next;
    end loop;
  end if;
end $$`

/**
 * The account's free lines with ready requests that a live process serves, in order of their wait, longest first; with `p_slot`
 * only those that may take this slot. The index gives the first request of each line; holds and processes are looked up only
 * until there are enough.
 */
export const waitingLinesFunction = `
create function worker.waiting_lines(p_account text, p_limit integer, p_slot integer default null)
returns table (account text, job text, fence bigint)
language plpgsql stable ${planByIndex} as $$
#variable_conflict use_column
declare
  v_line record;
  v_left integer := p_limit;
begin
  account := p_account;
  for v_line in
    with recursive line as (
      (select r.job, r.rank, r.seq from worker.requests r
        where r.account = p_account and r.state = 'waiting' and r.due_at is null
        order by r.job, r.rank, r.seq limit 1)
      union all
      select n.job, n.rank, n.seq from line cross join lateral (
        select r.job, r.rank, r.seq from worker.requests r
        where r.account = p_account and r.state = 'waiting' and r.due_at is null and r.job > line.job
        order by r.job, r.rank, r.seq limit 1) n
    )
    -- A line that was never claimed has no lease.
    select line.job, coalesce(l.fence, 0) as fence
    from line left join worker.leases l on l.account = p_account and l.job = line.job
    where l.run_id is null and l.occupied_by is null
    order by line.rank, line.seq
  loop
    exit when v_left = 0;
    continue when exists (select from worker.holds_of(p_account, v_line.job) h where h.probe_at > now());
    -- Otherwise a job that no process knows any more would take the one wake-up of each end.
    continue when not exists (select from worker.living_lines() v where v.account = p_account and v.job = v_line.job
      and (p_slot is null or (p_slot >= v.first_slot and p_slot < v.first_slot + v.slots)));
    job := v_line.job;
    fence := v_line.fence;
    v_left := v_left - 1;
    return next;
  end loop;
end $$`

/**
 * Makes a running request wait again. If an equal one already waits, that one takes over rank, back-off and consecutive failures;
 * callers that ask for this request are sent to it.
 */
export const putBackFunction = `
create function worker.put_back(p_request worker.requests, p_due timestamptz, p_failures integer) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_equal worker.requests;
begin
  loop
    begin
      update worker.requests r set state = 'waiting', due_at = p_due, failures = p_failures, run_id = null
      where r.id = p_request.id;
      return;
    exception when unique_violation then
      select * into v_equal from worker.requests r
      where r.account = p_request.account and r.job = p_request.job and r.payload_hash = p_request.payload_hash
        and r.state = 'waiting' and r.reserved_for is null
      for update;
      if found then
        update worker.requests r set state = 'superseded', superseded_by = v_equal.id, ended_at = now(), run_id = null
        where r.id = p_request.id;
        update worker.requests r set
          rank = least(r.rank, p_request.rank),
          failures = greatest(r.failures, p_failures),
          -- A request that waits for its steps starts again with the equal one.
          due_at = case when r.priority = 'high' or p_due = 'infinity' then r.due_at else greatest(r.due_at, p_due) end,
          absorbed_traces = worker.add_trace(r.absorbed_traces, p_request.trace)
        where r.id = v_equal.id;
        return;
      end if;
    end;
  end loop;
end $$`
