/** A step has ended: requests the next one, or ends the request that waits for it. */
export const endStepFunction = `
create function worker.end_step(p_step worker.requests, p_state text, p_error jsonb) returns void
language plpgsql as $$
begin
  if p_state = 'done' then
    perform worker.next_step(p_step.bootstrap_id, p_step.steps);
  else
    perform worker.fail_waiting(p_step.bootstrap_id, 'bootstrap-step', format('stopped at %s: %s', p_step.job,
      case when p_error ->> 'code' = 'job-error' then 'its job threw an unexpected error, shown by "npm run -s cli -- runs"'
        else coalesce(p_error ->> 'found', 'its request was ' || p_state) end), p_error ->> 'remedy');
  end if;
end $$`

/**
 * Requests the next step of a request, unless it was cancelled meanwhile. After the last step it is done, and if it was the
 * bootstrap, so is the account. A step that waits for steps of its own tells the request whose step it is.
 */
export const nextStepFunction = `
create function worker.next_step(p_waiting text, p_steps text[]) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_waiting worker.requests;
begin
  select * into v_waiting from worker.requests b where b.id = p_waiting and b.state = 'waiting' for update;
  if not found then return; end if;
  if coalesce(cardinality(p_steps), 0) = 0 then
    update worker.requests b set state = 'done', ended_at = now() where b.id = p_waiting;
    if v_waiting.job = 'bootstrap-account' then
      update worker.accounts a set bootstrapped_at = now() where a.name = v_waiting.account;
    end if;
    if v_waiting.bootstrap_id is not null then
      perform worker.end_step(v_waiting, 'done', null);
    end if;
  elsif worker.waits_for_step(v_waiting, p_steps[1]) then
    perform worker.fail_waiting(p_waiting, 'steps', format('has step %s, which waits for it', p_steps[1]),
      'remove it from the steps that the job returns');
  else
    insert into worker.unreported_requests (request_id, account, job, trigger, absorbed, trace, absorber)
    select a.id, v_waiting.account, p_steps[1], 'bootstrap', a.absorbed, v_waiting.trace, a.kept
    from worker.accept(gen_random_uuid()::text, v_waiting.account, p_steps[1], '{}', 'bootstrap', 'normal', '', null,
      p_waiting, p_steps[2:], true, v_waiting.trace) a;
  end if;
end $$`

/** Whether a request is of this job, or a step, at any depth, of one that is. */
export const waitsForStepFunction = `
create function worker.waits_for_step(p_request worker.requests, p_job text) returns boolean language sql stable as $$
  with recursive above as (
    select p_request.job as job, p_request.bootstrap_id as bootstrap_id
    union
    select r.job, r.bootstrap_id from above join worker.requests r on r.id = above.bootstrap_id
  )
  select exists (select from above where above.job = p_job)
$$`

/** Ends a request that waits for its steps as failed, and with it the one whose step it is. */
export const failWaitingFunction = `
create function worker.fail_waiting(p_waiting text, p_code text, p_found text, p_remedy text) returns void
language plpgsql as $$
#variable_conflict use_column
declare
  v_waiting worker.requests;
begin
  update worker.requests b set state = 'failed', ended_at = now(), error_code = p_code,
    error_found = format('%s of "%s" %s',
      case b.job when 'bootstrap-account' then 'The bootstrap' else b.job end, b.account, p_found),
    error_remedy = coalesce(p_remedy || '; then ', '') || case b.job
      when 'bootstrap-account' then format('run "npm run -s cli -- bootstrap --account %s" again', b.account)
      else format('run "npm run -s cli -- retry %s"', b.id) end
  where b.id = p_waiting and b.state = 'waiting'
  returning * into v_waiting;
  if v_waiting.bootstrap_id is not null then
    perform worker.end_step(v_waiting, 'failed',
      jsonb_build_object('code', p_code, 'found', v_waiting.error_found, 'remedy', p_remedy));
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
