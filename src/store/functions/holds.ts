/** Seconds before the first probe; each failed probe doubles the pause. */
const firstPauseSeconds = 5
const longestPauseSeconds = 300
/** A probe without a result for this long is taken over by another claim. */
const probeSeconds = 30

/** What holds a job: holds of its account, whose `job` is '', and its own. */
export const holdsOfFunction = `
create function worker.holds_of(p_account text, p_job text) returns setof worker.holds language sql stable as $$
  select h.* from worker.holds h where h.account = p_account and (h.job = '' or h.job = p_job)
$$`

/**
 * Places a hold. An existing one gets a longer pause only if the run was a probe (`probed`): if several runs meet one short
 * outage at once, only the first counts. A pause that the API asks for lasts at least that long.
 *
 * The pauses are 5, 10, 20 … 300 seconds, to limit the load, times `weight` for expensive probes.
 */
export const placeHoldFunction = `
create function worker.place_hold(p_account text, p_job text, p_hold jsonb) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_job text := case when p_hold ->> 'scope' = 'account' then '' else p_job end;
  v_before worker.holds;
  v_probes integer := 0;
  v_asked timestamptz := now() + make_interval(secs => (p_hold ->> 'pauseMs')::float8 / 1000);
begin
  -- The API's pause has ended, so this failure counts as the first.
  select * into v_before from worker.holds h
  where h.account = p_account and h.job = v_job and not (h.code = 'rate-limited' and h.probe_at <= now())
  for update;
  if found and not (p_hold ->> 'probed')::boolean then
    update worker.holds h set probe_at = greatest(h.probe_at, v_asked), asked_until = greatest(h.asked_until, v_asked)
    where h.account = p_account and h.job = v_job;
    return;
  end if;
  if found then v_probes := v_before.probes + 1; end if;
  insert into worker.holds as h (account, job, met_by, code, found, remedy, probes, probe_at, asked_until)
  values (p_account, v_job, p_hold ->> 'metBy', p_hold ->> 'code', p_hold ->> 'found', p_hold ->> 'remedy', v_probes,
    greatest(v_asked, now() + make_interval(
      secs => least(${firstPauseSeconds} * 2 ^ least(v_probes, 10), ${longestPauseSeconds}) * (p_hold ->> 'weight')::float8)), v_asked)
  on conflict (account, job) do update set met_by = excluded.met_by, code = excluded.code, found = excluded.found,
    remedy = excluded.remedy, probes = excluded.probes,
    -- Not the time that the probe's claim has set meanwhile. Whoever asked for a probe while this one was running gets another.
    probe_at = greatest(h.asked_until, case when h.probe_wanted then now() else excluded.probe_at end), asked_until = greatest(h.asked_until, excluded.asked_until);
end $$`

/**
 * Of all requests, in all processes, that wait for a job's holds, one becomes the probe. Returns true for that one, false for the
 * others, also if one of several holds is being probed, and null if no probe is needed: a rate limit's hold ends with its pause.
 */
export const takeProbeFunction = `
create function worker.take_probe(p_account text, p_job text) returns boolean
language plpgsql as $$
begin
  if exists (select from worker.holds_of(p_account, p_job) h where h.probe_at > now()) then return false; end if;
  update worker.holds h set probe_at = now() + interval '${probeSeconds} seconds', probe_wanted = false
  where h.account = p_account and h.job in ('', p_job) and h.code <> 'rate-limited' and h.probe_at <= now();
  if found then return true; end if;
  if exists (select from worker.holds_of(p_account, p_job) h where h.code <> 'rate-limited') then return false; end if;
  return null;
end $$`

/**
 * Lifts a job's holds, unless the API asked for a longer pause. With `p_met_by`, only those placed by the gate, or by a run after
 * it. Returns the lifted holds.
 */
export const liftHoldsFunction = `
create function worker.lift_holds(p_account text, p_job text, p_met_by text default null) returns table (code text, scope text)
language plpgsql as $$
#variable_conflict use_column
begin
  return query
    delete from worker.holds h
    where h.account = p_account and h.job in ('', p_job) and (p_met_by is null or h.met_by = p_met_by)
      and (h.asked_until is null or h.asked_until <= now())
    returning h.code, case h.job when '' then 'account' else 'job' end;
end $$`
