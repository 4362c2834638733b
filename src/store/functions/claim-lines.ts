import { joinByIndex } from './plan-by-index.ts'

/**
 * The only way to get work: for each claim a line's lease, its first ready request, one of the account's slots and a new run, all
 * or nothing. Each statement works for all claims, because starting one costs as much as a row. An entry without `runId` is no
 * claim.
 *
 * The caller chooses the run's id beforehand, so that a claim whose answer is lost can be found and put back.
 *
 * `requestId` names a request that a foreground run has reserved for its process; holds don't stop it. `after` is the run that
 * ends in the same transaction and passes on its lease and slot, and `afterSucceeded` whether it succeeded; the caller has locked
 * these leases. The slot is one of `slots`, counted from `firstSlot`.
 *
 * `run` is a `RunRow`, and `probed` says that it is a probe of a hold.
 *
 * Verdicts: run · gone (the reserved request has ended) · busy (another run has the lease) · locked (another transaction looks
 * at the lease, or a run is writing under it) · reserved (a foreground run of another process goes first) · empty · held · full
 * (the account has no free slot) · unknown-process (the other processes consider this one dead).
 */
export const claimLinesFunction = `
create function worker.claim_lines(p_claims jsonb, p_have_leases boolean default false) returns table (
  place integer, verdict text, probed boolean, run json
)
language plpgsql ${joinByIndex} as $$
#variable_conflict use_column
declare
  v_locked text[];
  v_account text;
  v_job text;
  v_run uuid;
  v_process uuid;
  v_first_slot integer;
  v_slots_in_all integer;
  v_request text;
  v_after uuid;
  v_after_succeeded boolean;
  v_slot integer;
  v_fence bigint;
  -- Null without a hold, false if its probe is due.
  v_is_held boolean;
  v_first_request text;
  -- The lines that get a run, and what they get.
  v_lines text[] := '{}';
  v_accounts text[] := '{}';
  v_jobs text[] := '{}';
  v_runs uuid[] := '{}';
  v_processes uuid[] := '{}';
  v_slots integer[] := '{}';
  v_fences bigint[] := '{}';
  v_succeeded boolean[] := '{}';
  v_requests text[] := '{}';
begin
  if not p_have_leases then
    -- A crash of the server may take back a claim that didn't reach the disk, and with it the lease: its run writes nothing.
    -- Whatever a run commits takes its claim to the disk first.
    perform set_config('synchronous_commit', 'off', true);
    -- In a statement before those that read requests and holds, which then see what the last run of the line has committed.
    select coalesce(array_agg(l.line), '{}') into v_locked
    from jsonb_to_recordset(p_claims) c(account text, job text)
    cross join lateral (
      select l.account || '/' || l.job as line from worker.leases l
      where l.account = c.account and l.job = c.job for update skip locked) l;
    if cardinality(v_locked) < jsonb_array_length(p_claims) then
      with never_claimed as (
        insert into worker.leases (account, job, fence)
        select distinct c.account, c.job, 0 from jsonb_to_recordset(p_claims) c(account text, job text)
        where not exists (select from worker.leases l where l.account = c.account and l.job = c.job)
        order by c.account, c.job
        on conflict do nothing
        returning account || '/' || job as line
      )
      select v_locked || coalesce(array_agg(n.line), '{}') into v_locked from never_claimed n;
    end if;
  end if;
  for place, v_account, v_job, v_run, v_process, v_first_slot, v_slots_in_all, v_request, v_after, v_after_succeeded,
    v_slot, v_fence, v_is_held, verdict, v_first_request, run
  in
    select c.place, c.account, c.job, c."runId", c."processId", c."firstSlot", c.slots, c."requestId", c.after,
      coalesce(c."afterSucceeded", false), l.slot, l.fence + 1,
      case when c."requestId" is null then (select bool_or(h.probe_at > now()) from worker.holds_of(c.account, c.job) h) end,
      case
        when p.id is null then 'unknown-process'
        when l.fence is null then 'locked'
        when l.run_id is distinct from c.after or l.occupied_by is not null then 'busy'
        when r.id is null then 'empty'
        when r.id is distinct from c."requestId" and (c."requestId" is not null or r.reserved_for is not null) then 'reserved'
        else 'run'
      end,
      r.id, json_build_object(
        'lease', json_build_object('account', c.account, 'job', c.job, 'runId', c."runId"),
        'requestId', r.id, 'payload', r.payload, 'trigger', r.trigger, 'failures', r.failures,
        'kept', r.trace, 'absorbed', coalesce(r.absorbed_traces, '[]'),
        'known', case when a.issuer is not null then json_build_object(
          'issuer', a.issuer, 'subject', a.subject, 'endpoint', a.endpoint, 'firstLogin', a.first_login) end)
    from jsonb_to_recordset(p_claims) c(place integer, account text, job text, "runId" uuid, "processId" uuid,
      "firstSlot" integer, slots integer, "requestId" text, after uuid, "afterSucceeded" boolean)
    left join worker.living_processes() p on p.id = c."processId"
    -- A limit makes each of them a lookup by key, whatever a plan assumes about the size of the table.
    left join lateral (
      select l.fence, l.run_id, l.slot, l.occupied_by from worker.leases l
      where l.account = c.account and l.job = c.job and (p_have_leases or l.account || '/' || l.job = any (v_locked))
      limit 1) l on true
    left join lateral (
      select r.id, r.payload, r.trigger, r.failures, r.trace, r.absorbed_traces, r.reserved_for from worker.requests r
      -- Only under the lease: whoever has it would skip a request that is locked here.
      where p.id is not null and l.fence is not null and l.run_id is not distinct from c.after and l.occupied_by is null
        and r.account = c.account and r.job = c.job and r.state = 'waiting' and r.due_at is null
      order by r.rank, r.seq limit 1
      for update skip locked) r on true
    left join lateral (
      select a.issuer, a.subject, a.endpoint, a.first_login from worker.accounts a where a.name = c.account
      limit 1) a on true
    where c."runId" is not null
  loop
    if v_request is not null and verdict in ('empty', 'reserved') then
      if not exists (select from worker.requests r where r.id = v_request and r.state = 'waiting') then
        verdict := 'gone';
      end if;
    end if;
    probed := false;
    if verdict = 'run' then
      if v_account || '/' || v_job = any (v_lines) then
        verdict := 'busy';
      elsif v_is_held then
        verdict := 'held';
      elsif v_after is null then
        v_slot := worker.free_slot(v_account, v_first_slot, v_slots_in_all, v_accounts, v_slots);
        if v_slot is null then verdict := 'full'; end if;
      end if;
      if verdict = 'run' and not v_is_held then
        probed := worker.take_probe(v_account, v_job);
        if not probed then verdict := 'held'; end if;
        probed := coalesce(probed, false);
      end if;
    end if;
    if verdict = 'run' then
      v_lines := v_lines || (v_account || '/' || v_job);
      v_accounts := v_accounts || v_account;
      v_jobs := v_jobs || v_job;
      v_runs := v_runs || v_run;
      v_processes := v_processes || v_process;
      v_succeeded := v_succeeded || v_after_succeeded;
      v_slots := v_slots || v_slot;
      v_fences := v_fences || v_fence;
      v_requests := v_requests || v_first_request;
    else
      run := null;
    end if;
    return next;
  end loop;

  if cardinality(v_runs) > 0 then
    update worker.leases l set fence = n.fence, run_id = n.run, process = n.process, slot = n.slot, taken_at = now(),
      origin = worker.lease_origin(pg_current_xact_id()::xid),
      succeeded_at = case when n.succeeded then now() else l.succeeded_at end
    from unnest(v_accounts, v_jobs, v_runs, v_processes, v_slots, v_fences, v_succeeded)
      n(account, job, run, process, slot, fence, succeeded)
    where l.account = any (v_accounts) and l.account = n.account and l.job = n.job;
    with begun as (
      update worker.requests r set state = 'running', run_id = n.run
      from unnest(v_runs, v_requests, v_processes, v_fences) n(run, request, process, fence)
      where r.id = any (v_requests) and r.id = n.request
      returning r.id, r.account, r.job, r.run_id, r.trigger, r.caller, r.failures, n.process, n.fence
    )
    insert into worker.runs (id, request_id, account, job, trigger, caller, attempt, process, fence)
    select b.run_id, b.id, b.account, b.job, b.trigger, b.caller, b.failures + 1, b.process, b.fence
    from begun b;
  end if;
end $$`

/**
 * A free slot of the account that no other transaction can take before this one ends; null if there is none. Claims of the
 * account's other lines may try the same slot, and this transaction will take `p_taken`, each for one of `p_accounts`. A lock that
 * is only tried needs no subtransaction.
 */
export const freeSlotFunction = `
create function worker.free_slot(p_account text, p_first integer, p_slots integer, p_accounts text[], p_taken integer[])
returns integer
language plpgsql as $$
declare
  v_taken integer[] := array(
    select l.slot from worker.leases l where l.account = p_account and l.slot is not null
    union all
    select n.slot from unnest(p_accounts, p_taken) n(account, slot) where n.account = p_account);
begin
  for v_slot in p_first .. p_first + p_slots - 1 loop
    continue when v_slot = any (v_taken) or not pg_try_advisory_xact_lock(hashtextextended(p_account, v_slot));
    -- Another transaction may have taken the slot and committed before this lock.
    if not exists (select from worker.leases l where l.account = p_account and l.slot = v_slot) then return v_slot; end if;
  end loop;
  return null;
end $$`
