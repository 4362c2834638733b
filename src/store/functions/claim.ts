import { planByIndex } from './plan-by-index.ts'

/**
 * The only way to get work: a line's lease, its first ready request, one of the account's slots and a new run, all or nothing.
 *
 * Each statement of a function sees what was committed before it, while all parts of one statement would see the same snapshot.
 * The caller chooses the run's id beforehand, so that a claim whose answer is lost can be found and put back.
 *
 * `p_request` names a request that a foreground run has reserved for its process; holds don't stop it. `p_after` is the run that
 * ends in the same transaction and passes on its lease and slot, and `p_after_succeeded` whether it succeeded. The slot is one of
 * `p_slots`, counted from `p_first_slot`.
 *
 * Verdicts: run · gone (the reserved request has ended) · busy (another run has the lease) · reserved (a foreground run of
 * another process goes first) · empty · held · full (the account has no free slot) · unknown-process (the other processes
 * consider this one dead).
 */
export const claimFunction = `
create function worker.claim(
  p_account text, p_job text, p_run uuid, p_process uuid, p_slots integer, p_request text, p_after uuid default null,
  p_after_succeeded boolean default false, p_first_slot integer default 1,
  out verdict text, out request_id text, out payload jsonb, out trigger text, out failures integer, out probed boolean,
  out issuer text, out subject text, out endpoint text, out first_login text, out trace jsonb, out absorbed_traces jsonb
)
language plpgsql ${planByIndex} as $$
#variable_conflict use_column
declare
  v_lease record;
  v_request record;
  v_slot integer;
  v_is_held boolean;
begin
  verdict := 'unknown-process';
  if not exists (select from worker.living_processes() p where p.id = p_process) then return; end if;

  verdict := 'busy';
  select l.fence, l.run_id, l.slot, l.occupied_by into v_lease
  from worker.leases l where l.account = p_account and l.job = p_job for update skip locked;
  if not found then
    insert into worker.leases (account, job, fence) values (p_account, p_job, 0) on conflict do nothing;
    select l.fence, l.run_id, l.slot, l.occupied_by into v_lease
    from worker.leases l where l.account = p_account and l.job = p_job for update skip locked;
    if not found then return; end if;
  end if;
  if v_lease.run_id is distinct from p_after or v_lease.occupied_by is not null then return; end if;

  select r.id, r.payload, r.trigger, r.caller, r.failures, r.trace, r.absorbed_traces, r.reserved_for into v_request
  from worker.requests r
  where r.account = p_account and r.job = p_job and r.state = 'waiting' and r.due_at is null
  order by r.rank, r.seq limit 1
  for update skip locked;
  if p_request is not null then
    verdict := 'gone';
    if not exists (select from worker.requests r where r.id = p_request and r.state = 'waiting') then return; end if;
  end if;
  verdict := 'empty';
  if v_request.id is null then return; end if;
  verdict := 'reserved';
  if v_request.id is distinct from p_request and (p_request is not null or v_request.reserved_for is not null) then return; end if;

  verdict := 'held';
  v_is_held := p_request is null and exists (select from worker.holds_of(p_account, p_job));
  if v_is_held and exists (select from worker.holds_of(p_account, p_job) h where h.probe_at > now()) then return; end if;

  verdict := 'full';
  if p_after is null then
    v_slot := worker.free_slot(p_account, p_first_slot, p_slots);
    if v_slot is null then return; end if;
  else
    v_slot := v_lease.slot;
  end if;

  probed := false;
  if v_is_held then
    verdict := 'held';
    probed := worker.take_probe(p_account, p_job);
    if not probed then return; end if;
    probed := coalesce(probed, false);
  end if;

  update worker.leases l set fence = l.fence + 1, run_id = p_run, process = p_process, slot = v_slot, taken_at = now(),
    origin = worker.lease_origin(pg_current_xact_id()::xid),
    succeeded_at = case when p_after_succeeded then now() else l.succeeded_at end
  where l.account = p_account and l.job = p_job;
  update worker.requests r set state = 'running', run_id = p_run where r.id = v_request.id;
  insert into worker.runs (id, request_id, account, job, trigger, caller, attempt, process, fence)
  values (p_run, v_request.id, p_account, p_job, v_request.trigger, v_request.caller, v_request.failures + 1, p_process,
    v_lease.fence + 1);

  verdict := 'run';
  request_id := v_request.id;
  payload := v_request.payload;
  trigger := v_request.trigger;
  failures := v_request.failures;
  trace := v_request.trace;
  absorbed_traces := v_request.absorbed_traces;
  select a.issuer, a.subject, a.endpoint, a.first_login into issuer, subject, endpoint, first_login
  from worker.accounts a where a.name = p_account;
end $$`

/**
 * A free slot of the account that no other transaction can take before this one ends; null if there is none. Claims of the
 * account's other lines may try the same slot. A lock that is only tried needs no subtransaction.
 */
export const freeSlotFunction = `
create function worker.free_slot(p_account text, p_first integer, p_slots integer) returns integer
language plpgsql as $$
declare
  v_taken integer[] := array(select l.slot from worker.leases l where l.account = p_account and l.slot is not null);
begin
  for v_slot in p_first .. p_first + p_slots - 1 loop
    continue when v_slot = any (v_taken) or not pg_try_advisory_xact_lock(hashtextextended(p_account, v_slot));
    -- Another transaction may have taken the slot and committed before this lock.
    if not exists (select from worker.leases l where l.account = p_account and l.slot = v_slot) then return v_slot; end if;
  end loop;
  return null;
end $$`
