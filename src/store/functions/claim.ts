/**
 * The one way to get work: a line's lease, its first ready request, one of the account's slots and a new run, all or nothing.
 *
 * Each statement of a function sees what was committed before it, where the parts of one statement would all see the same past.
 * The caller has chosen the run's id before, so that a claim whose answer is lost can be found and put back.
 *
 * `p_request` names the one that a foreground run has reserved for its process; holds don't stop it.
 *
 * Verdicts: run · gone (the reserved request has ended) · busy (another run has the lease) · reserved (a foreground run of another process goes first) · empty · held ·
 * full (the account has no free slot) · unknown-process (this process isn't alive for the others).
 */
export const claimFunction = `
create function worker.claim(p_account text, p_job text, p_run uuid, p_process uuid, p_slots integer, p_request text)
returns table (
  verdict text, fence bigint, request_id text, payload jsonb, trigger text, failures integer, waited_ms float8, probed boolean,
  issuer text, subject text, endpoint text, first_login text
)
language plpgsql as $$
#variable_conflict use_column
declare
  v_lease worker.leases;
  v_request worker.requests;
  v_account worker.accounts;
  v_slot integer;
  v_probed boolean := false;
begin
  if not exists (select from worker.processes p where p.id = p_process and p.expires_at > now()) then
    return query select * from worker.no_claim('unknown-process');
    return;
  end if;

  select * into v_lease from worker.leases l where l.account = p_account and l.job = p_job for update skip locked;
  if not found then
    insert into worker.leases (account, job, fence) values (p_account, p_job, 0) on conflict do nothing;
    select * into v_lease from worker.leases l where l.account = p_account and l.job = p_job for update skip locked;
  end if;
  if v_lease.account is null or v_lease.run_id is not null or v_lease.occupied_by is not null then
    return query select * from worker.no_claim('busy');
    return;
  end if;

  select * into v_request from worker.requests r
  where r.account = p_account and r.job = p_job and r.state = 'waiting' and r.due_at is null
  order by r.rank, r.seq limit 1
  for update skip locked;
  if p_request is not null and not exists (
    select from worker.requests r where r.id = p_request and r.state = 'waiting'
  ) then
    return query select * from worker.no_claim('gone');
    return;
  end if;
  if v_request.id is null then
    return query select * from worker.no_claim('empty');
    return;
  end if;
  if v_request.id is distinct from p_request and (p_request is not null or v_request.reserved_for is not null) then
    return query select * from worker.no_claim('reserved');
    return;
  end if;
  if p_request is null and exists (
    select from worker.holds h where h.account = p_account and h.job in ('', p_job) and h.probe_at > now()
  ) then
    return query select * from worker.no_claim('held');
    return;
  end if;

  for v_slot in
    select s from generate_series(1, p_slots) s
    where not exists (select from worker.leases l where l.account = p_account and l.slot = s)
  loop
    -- Claims of the account's other lines may be after the same slot. A lock that is only tried needs no subtransaction.
    continue when not pg_try_advisory_xact_lock(hashtextextended(p_account, v_slot));
    update worker.leases l
    set fence = l.fence + 1, run_id = p_run, process = p_process, slot = v_slot, taken_at = now()
    where l.account = p_account and l.job = p_job
      and not exists (select from worker.leases o where o.account = p_account and o.slot = v_slot)
    returning * into v_lease;
    exit when found;
  end loop;
  if v_lease.run_id is distinct from p_run then
    return query select * from worker.no_claim('full');
    return;
  end if;

  -- Of all that wait for a hold to end, in all processes, one goes and looks.
  -- What was a pause for the API's limit is over with that pause.
  if p_request is null and exists (
    select from worker.holds h where h.account = p_account and h.job in ('', p_job) and h.code <> 'rate-limited'
  ) then
    update worker.holds h set probe_at = now() + interval '30 seconds'
    where h.account = p_account and h.job in ('', p_job) and h.code <> 'rate-limited' and h.probe_at <= now();
    v_probed := found;
    if not v_probed and exists (
      select from worker.holds h where h.account = p_account and h.job in ('', p_job) and h.code <> 'rate-limited'
    ) then
      update worker.leases l set fence = l.fence - 1, run_id = null, process = null, slot = null
      where l.account = p_account and l.job = p_job;
      return query select * from worker.no_claim('held');
      return;
    end if;
  end if;

  update worker.requests r set state = 'running', run_id = p_run where r.id = v_request.id;
  insert into worker.runs (id, request_id, account, job, trigger, attempt, process, fence)
  values (p_run, v_request.id, p_account, p_job, v_request.trigger, v_request.failures + 1, p_process, v_lease.fence);
  select * into v_account from worker.accounts a where a.name = p_account;
  return query select 'run', v_lease.fence, v_request.id, v_request.payload, v_request.trigger, v_request.failures,
    extract(epoch from now() - v_request.requested_at)::float8 * 1000, v_probed,
    v_account.issuer, v_account.subject, v_account.endpoint, v_account.first_login;
end $$`

/** The row of a claim that got nothing. */
export const noClaimFunction = `
create function worker.no_claim(p_verdict text)
returns table (
  verdict text, fence bigint, request_id text, payload jsonb, trigger text, failures integer, waited_ms float8, probed boolean,
  issuer text, subject text, endpoint text, first_login text
)
language sql immutable as $$
  select p_verdict, null::bigint, null, null::jsonb, null, null::integer, null::float8, null::boolean, null, null, null, null
$$`
