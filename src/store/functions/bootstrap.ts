/** A step of a bootstrap has ended: requests the next step, or ends the bootstrap. */
export const endStepFunction = `
create function worker.end_step(p_step worker.requests, p_state text, p_error jsonb) returns void
language plpgsql as $$
#variable_conflict use_column
begin
  if p_state = 'done' then
    perform worker.next_step(p_step.bootstrap_id, p_step.account, p_step.steps);
    return;
  end if;
  update worker.requests b set state = 'failed', ended_at = now(), error_code = 'bootstrap-step',
    error_found = format('The bootstrap of "%s" stopped at %s: %s', b.account, p_step.job,
      case when p_error ->> 'code' = 'job-error' then 'its job threw an unexpected error, shown by "npm run -s cli -- runs"'
        else coalesce(p_error ->> 'found', 'its request was ' || p_state) end),
    error_remedy = coalesce(p_error ->> 'remedy' || '; then ', '') || format('run "npm run -s cli -- bootstrap --account %s" again', b.account)
  where b.id = p_step.bootstrap_id and b.state = 'waiting';
end $$`

/**
 * Requests a bootstrap's next step, unless the bootstrap was cancelled meanwhile. After the last step the account is complete.
 */
export const nextStepFunction = `
create function worker.next_step(p_bootstrap text, p_account text, p_steps text[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_trace jsonb;
begin
  select b.trace into v_trace from worker.requests b where b.id = p_bootstrap and b.state = 'waiting' for update;
  if not found then return; end if;
  if cardinality(p_steps) > 0 then
    insert into worker.unreported_requests (request_id, account, job, trigger, absorbed, trace, absorber)
    select a.id, p_account, p_steps[1], 'bootstrap', a.absorbed, v_trace, a.kept
    from worker.accept(gen_random_uuid()::text, p_account, p_steps[1], '{}', 'bootstrap', 'normal', '', null,
      p_bootstrap, p_steps[2:], true, v_trace) a;
  else
    update worker.requests b set state = 'done', ended_at = now() where b.id = p_bootstrap;
    update worker.accounts a set bootstrapped_at = now() where a.name = p_account;
  end if;
end $$`

/**
 * Whether the schedules of a job may start. Only the bootstrap decides this: it makes a new account's first syncs in order, and
 * ticks of a job follow after its step.
 */
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
