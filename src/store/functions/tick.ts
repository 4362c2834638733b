/**
 * Makes the requests of due schedules, each together with the schedule's next time. If another process has already made a tick,
 * nothing changes. The ticks in between were missed and are counted; with the policy `skip`, so is a late one.
 *
 * The arrays have an element per schedule: account, job, when it was due, when it is due next, how many ticks lie between, how
 * much longer the first interval is, and whether to make a request. Returns each request, and whether its line is free.
 */
export const tickFunction = `
create function worker.tick(
  p_accounts text[], p_jobs text[], p_due timestamptz[], p_next timestamptz[], p_missed integer[],
  p_spread_ms integer[], p_make boolean[]
) returns table (account text, job text, fence bigint, free boolean, request_id text, absorbed boolean)
language plpgsql set lock_timeout = '100ms' as $$
#variable_conflict use_column
declare
  v_tick record;
  v_accepted record;
begin
  for v_tick in
    select * from unnest(p_accounts, p_jobs, p_due, p_next, p_missed, p_spread_ms, p_make)
      t(account, job, due, next, missed, spread_ms, make)
    order by t.account, t.job
  loop
    begin
      update worker.schedules s set
        next_run_at = v_tick.next
          + make_interval(secs => case when s.last_run_at is null and v_tick.make then v_tick.spread_ms else 0 end / 1000.0),
        missed = s.missed + v_tick.missed,
        last_run_at = case when v_tick.make then now() else s.last_run_at end,
        last_missed_at = case when v_tick.missed > 0 then now() else s.last_missed_at end
      where s.account = v_tick.account and s.job = v_tick.job and date_trunc('milliseconds', s.next_run_at) = v_tick.due and not s.paused;
      if found and v_tick.make then
        select * into v_accepted from worker.accept(gen_random_uuid()::text, v_tick.account, v_tick.job, '{}', 'schedule', 'normal',
          '', null, null, null);
        return query select v_tick.account, v_tick.job, v_accepted.fence, v_accepted.free, v_accepted.id, v_accepted.absorbed;
      end if;
    exception when lock_not_available or deadlock_detected then
      -- An equal request is locked by an open transaction: the tick stays due.
      null;
    end;
  end loop;
end $$`
