import { joinByIndex, planByIndex } from './plan-by-index.ts'

/**
 * Ends runs, each once and all in one transaction: its report, what happens to its request, the hold that it places, and lease and
 * slot, which become free. Repeating it for the same run changes nothing and also returns `ended`.
 *
 * `request` is done, failed, cancelled, or waiting: again after `pauseMs`, or until its steps are done. `next` is the run that
 * takes over lease and slot if the line has another ready request; with `yields` only if no other line of the account waits.
 *
 * Rows of the result for each `place`, by `kind`; none if this caller doesn't own the run:
 * - run: it has ended and `next` has started, with `probed` and `run` of a claim
 * - ended: it has ended and nothing follows
 * - wake: a line that may have work (account, job, fence): of this account as many as runs have ended, those that have waited
 *   longest, or all of them if a hold was lifted
 * - lifted: a lifted hold (code, scope)
 */
export const endRunsFunction = `
create function worker.end_runs(p_ends jsonb) returns table (place integer, kind text, probed boolean, answer json)
language plpgsql ${joinByIndex} as $$
#variable_conflict use_column
declare
  v record;
  v_request worker.requests;
  -- The runs that end, and the claims that may follow them.
  v_ended jsonb[] := '{}';
  v_lines jsonb;
  v_runs uuid[] := '{}';
  -- Of the runs whose interruption fails the request.
  v_run_errors jsonb := '{}';
  -- The requests that end.
  v_requests text[] := '{}';
  v_states text[] := '{}';
  v_errors jsonb[] := '{}';
  v_has_placed boolean := false;
  v_lifted integer[] := '{}';
  v_going_on integer;
  v_freed integer[] := '{}';
begin
  for v in
    select e.*, r.account, r.job, r.trigger, r.request_id, l.process, l.slot, l.fence is not null as has_lease,
      e.lifts and exists (select from worker.holds_of(r.account, r.job)) as is_held
    from jsonb_to_recordset(p_ends) e(place integer, "runId" uuid, run text, request text, "pauseMs" float8, failures integer,
      error jsonb, hold jsonb, lifts boolean, steps text[], next uuid, yields boolean, "isInterruption" boolean)
    left join lateral (
      select r.id, r.account, r.job, r.trigger, r.request_id from worker.runs r where r.id = e."runId" limit 1) r on true
    left join lateral (
      select l.process, l.slot, l.fence from worker.leases l
      where l.account = r.account and l.job = r.job and l.run_id = r.id
        -- A store that returned to an earlier state may lack what the run wrote, so the request runs again.
        and (e.run = 'interrupted' or l.origin = worker.lease_origin(l.xmin))
      for update) l on true
  loop
    place := v.place;
    if not v.has_lease then
      -- Read again: an earlier call whose answer was lost may have ended it while this one waited for the lease.
      if exists (select from worker.runs r where r.id = v."runId" and r.state = v.run) then
        kind := 'ended';
        return next;
      end if;
      continue;
    end if;
    v_runs := v_runs || v."runId";
    if v.request = 'waiting' then
      select * into v_request from worker.requests r where r.id = v.request_id for update;
      v_request.interruptions := worker.count_interruptions(
        v_request.interruptions, v."runId", v.run, coalesce(v."isInterruption", false));
      if v."isInterruption" then
        v."pauseMs" := worker.interruption_pause(v_request.interruptions);
      end if;
      if v_request.cancel_requested then
        v.request := 'cancelled';
        v.error := null;
      elsif v."isInterruption" and v."pauseMs" is null then
        v.request := 'failed';
        v.error := worker.interruption(v_request.interruptions);
        v_run_errors := v_run_errors || jsonb_build_object(v."runId", v.error);
      else
        perform worker.put_back(v_request,
          case when v.steps is not null then 'infinity' else now() + make_interval(secs => nullif(v."pauseMs", 0) / 1000) end,
          v.failures);
        if v.steps is not null then
          perform worker.next_step(v_request.id, v.steps);
        end if;
      end if;
    end if;
    if v.request <> 'waiting' then
      v_requests := v_requests || v.request_id;
      v_states := v_states || v.request;
      v_errors := v_errors || v.error;
    end if;
    if v.hold is not null then
      perform worker.place_hold(v.account, v.job, v.hold);
      v_has_placed := true;
    end if;
    if v.is_held or v.lifts and v_has_placed then
      kind := 'lifted';
      for answer in select to_json(h) from worker.lift_holds(v.account, v.job) h loop
        return next;
        v_lifted := v_lifted || place;
      end loop;
      answer := null;
    end if;
    if v.yields then
      if exists (select from worker.waiting_lines(v.account, 1)) then v.next := null; end if;
    end if;
    v_ended := v_ended || jsonb_build_object('place', v.place, 'account', v.account, 'job', v.job, 'slot', v.slot,
      'runId', v.next, 'processId', v.process, 'after', v."runId",
      'afterSucceeded', v.run = 'succeeded' and v.trigger <> 'dry-run');
  end loop;

  for v in
    update worker.requests r set state = n.state, ended_at = now(), run_id = null, error_code = n.error ->> 'code',
      error_found = n.error ->> 'found', error_remedy = n.error ->> 'remedy'
    from unnest(v_requests, v_states, v_errors) n(id, state, error)
    where r.id = any (v_requests) and r.id = n.id
    returning r.id, r.bootstrap_id, n.state, n.error
  loop
    if v.bootstrap_id is not null then
      select * into v_request from worker.requests r where r.id = v.id;
      perform worker.end_step(v_request, v.state, v.error);
    end if;
  end loop;
  update worker.runs r set state = e.run, finished_at = now(), from_position = e."from", to_position = e."to",
    counts = e.counts, error_code = n.error ->> 'code', error_found = n.error ->> 'found', error_remedy = n.error ->> 'remedy'
  from jsonb_to_recordset(p_ends) e("runId" uuid, run text, "from" text, "to" text, counts jsonb, error jsonb)
    cross join lateral (select coalesce(v_run_errors -> e."runId"::text, e.error) as error) n
  where r.id = any (v_runs) and r.id = e."runId";

  v_lines := to_jsonb(v_ended);
  return query
    select c.place, 'run', c.probed, c.run
    from worker.claim_lines(v_lines, true) c where c.verdict = 'run';
  get diagnostics v_going_on = row_count;
  if v_going_on < cardinality(v_runs) then
    with freed as (
      update worker.leases l set run_id = null, process = null, slot = null,
        succeeded_at = case when n."afterSucceeded" then now() else l.succeeded_at end
      from jsonb_to_recordset(v_lines) n(place integer, account text, job text, after uuid, "afterSucceeded" boolean)
      where l.account = any (array(select jsonb_array_elements(v_lines) ->> 'account'))
        and l.account = n.account and l.job = n.job and l.run_id = n.after
      returning n.place)
    select array_agg(f.place) into v_freed from freed f;
    return query select f.place, 'ended', null::boolean, null::json from unnest(v_freed) f(place);
  end if;
  if v_freed || v_lifted <> '{}' then
    return query
      select distinct on (w.account, w.job) n.place, 'wake', null::boolean,
        json_build_object('account', w.account, 'job', w.job, 'fence', w.fence::text)
      from (
        select n.*, row_number() over (partition by n.account order by n.place)::integer as slots
        from jsonb_to_recordset(v_lines) n(place integer, account text, slot integer)
        where n.place = any (v_lifted || v_freed)
      ) n
      cross join lateral worker.waiting_lines(n.account,
        case when n.place = any (v_lifted) then 1000 else n.slots end, case when n.place <> all (v_lifted) then n.slot end) w
      order by w.account, w.job, n.place;
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
 * Makes a running request wait again. If an equal one already waits, that one takes over rank, back-off, and consecutive failures and
 * interruptions; callers that ask for this request are sent to it.
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
      update worker.requests r set state = 'waiting', due_at = p_due, failures = p_failures,
        interruptions = p_request.interruptions, run_id = null
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
          interruptions = greatest(r.interruptions, p_request.interruptions),
          -- A request that waits for its steps starts again with the equal one.
          due_at = case when r.priority = 'high' or p_due = 'infinity' then r.due_at else greatest(r.due_at, p_due) end,
          absorbed_traces = worker.add_trace(r.absorbed_traces, p_request.trace)
        where r.id = v_equal.id;
        return;
      end if;
    end;
  end loop;
end $$`
