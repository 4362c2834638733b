/**
 * Cancels a waiting request, for everyone whose request it has absorbed, or asks the process that runs it to abort it. A
 * superseded request stands for its successor. Returns the resulting state; null if there is no such request.
 */
export const cancelFunction = `
create function worker.cancel(p_id text) returns text
language plpgsql as $$
#variable_conflict use_column
declare
  v_request worker.requests;
begin
  -- While this waited for the row, its run may have ended, and an equal request may have superseded it.
  loop
    select * into v_request from worker.requests r where r.id = worker.successor(p_id) for update;
    exit when v_request.state is distinct from 'superseded';
  end loop;
  if v_request.state = 'waiting' then
    update worker.requests r set state = 'cancelled', ended_at = now(), error_code = 'cancelled',
      error_found = 'An operator cancelled it' where r.id = v_request.id;
    if v_request.bootstrap_id is not null then
      perform worker.end_step(v_request, 'cancelled', null);
    end if;
    return 'cancelled';
  end if;
  if v_request.state = 'running' then
    update worker.requests r set cancel_requested = true where r.id = v_request.id;
  end if;
  return v_request.state;
end $$`

/**
 * The request that does the work of this one: itself, or the last one that superseded it. One that has ended otherwise and was
 * repeated (`superseded_by`) stands for itself.
 */
export const successorFunction = `
create function worker.successor(p_id text) returns text language sql stable as $$
  with recursive step as (
    select r.id, r.state, r.superseded_by from worker.requests r where r.id = p_id
    union
    select r.id, r.state, r.superseded_by from step join worker.requests r on r.id = step.superseded_by
    where step.state = 'superseded'
  )
  select id from step where state <> 'superseded' limit 1
$$`
