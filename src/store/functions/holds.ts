/** Seconds of the pause before the first probe; each probe in vain doubles it. */
const firstPauseSeconds = 5
const longestPauseSeconds = 300
/** A probe that has said nothing for so long is taken by another claim. */
const probeSeconds = 30

/** What holds a job: holds of its account, whose `job` is '', and its own. */
export const holdsOfFunction = `
create function worker.holds_of(p_account text, p_job text) returns setof worker.holds language sql stable as $$
  select h.* from worker.holds h where h.account = p_account and h.job in ('', p_job)
$$`

/**
 * Records why requests wait. One that was there pauses longer only when the run had gone to look (`probed`): of several runs that
 * meet one short outage at once, the first places the hold. A pause that the API asks for holds for at least that long.
 *
 * The pauses are 5, 10, 20 … 300 seconds, so that nobody is hammered, times `weight` for a probe that is expensive.
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
  -- A pause of the API's that is over holds nobody: what is met after it is met anew.
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
    -- Not the instant that the probe's claim has set meanwhile.
    probe_at = greatest(h.asked_until, excluded.probe_at), asked_until = greatest(h.asked_until, excluded.asked_until);
end $$`

/**
 * Of all that wait for a job's holds to end, in all processes, one goes and looks. Returns true for that one, false for the others,
 * and null when nothing has to be looked for: a pause for the API's limit ends with that pause.
 */
export const takeProbeFunction = `
create function worker.take_probe(p_account text, p_job text) returns boolean
language plpgsql as $$
begin
  update worker.holds h set probe_at = now() + interval '${probeSeconds} seconds'
  where h.account = p_account and h.job in ('', p_job) and h.code <> 'rate-limited' and h.probe_at <= now();
  if found then return true; end if;
  if exists (select from worker.holds_of(p_account, p_job) h where h.code <> 'rate-limited') then return false; end if;
  return null;
end $$`

/**
 * Ends what holds a job, where the API asked for no longer pause. With `p_met_by` only what the gate has met, or a run after it.
 * Returns what is lifted.
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
