/** How many consecutive runs may end with their process, without progress, before the request fails. */
const mostInterruptions = 10

/**
 * How many consecutive runs of a request have ended with their process, or because it didn't work, after this run. One that has made
 * progress begins a new count, and any other end than an interruption ends it.
 */
export const countInterruptionsFunction = `
create function worker.count_interruptions(p_before integer, p_run uuid, p_state text, p_counts boolean) returns integer
language sql stable as $$
  select case
    when p_counts and exists (select from worker.run_progress p where p.run_id = p_run) then 1
    when p_counts then p_before + 1
    when p_state = 'interrupted' then p_before
    else 0 end
$$`

/** Before the next run, in milliseconds: nothing at first, then growing, and null if the request fails. */
export const interruptionPauseFunction = `
create function worker.interruption_pause(p_times integer) returns float8 language sql immutable as $$
  select case
    when p_times >= ${mostInterruptions} then null
    when p_times > 2 then 1000 * 2 ^ least(p_times - 2, 6)
    else 0 end
$$`

export const interruptionFunction = `
create function worker.interruption(p_times integer) returns jsonb language sql immutable as $$
  select case when p_times < ${mostInterruptions} then
    jsonb_build_object('code', 'interrupted', 'found', 'The process that ran it ended, or was paused for 6 seconds')
  else
    jsonb_build_object('code', 'interrupted',
      'found', format('%s consecutive runs ended with their process, or because it did nothing for seconds, without progress', p_times),
      'remedy', 'check for code in the job that blocks the event loop, and for processes that run out of memory')
  end
$$`

/** Ends a run that its process doesn't end, also one whose record somebody deleted, or left out of a dump. */
export const endInterruptedFunction = `
create function worker.end_interrupted(p_run uuid, p_request text, p_counts boolean, p_error jsonb) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_attempt integer;
  v_request worker.requests;
begin
  select r.attempt into v_attempt from worker.runs r where r.id = p_run;
  if found then
    perform worker.end_runs(jsonb_build_array(jsonb_build_object('place', 0, 'runId', p_run, 'run', 'interrupted',
      'request', p_request, 'isInterruption', p_counts, 'failures', v_attempt - 1, 'error', p_error)));
    return;
  end if;
  update worker.leases l set run_id = null, process = null, slot = null where l.run_id = p_run;
  for v_request in select * from worker.requests r where r.state = 'running' and r.run_id = p_run for update loop
    perform worker.put_back(v_request, null, v_request.failures);
  end loop;
end $$`
