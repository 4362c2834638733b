/**
 * Ends a waiting request, for everyone whose wish it has absorbed, and asks the process that has a running one to end it. One that
 * was superseded stands for its successor. Returns the state that the request is in then; null when there is none.
 */
export const cancelFunction = `
create function worker.cancel(p_id text) returns text
language plpgsql as $$
#variable_conflict use_column
declare
  v_request worker.requests;
begin
  -- While this waited for the row, its run may have ended and an equal request have taken over.
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

/** The request that does the work of this one: itself, or the one that superseded it last. */
export const successorFunction = `
create function worker.successor(p_id text) returns text language sql stable as $$
  with recursive step as (
    select r.id, r.superseded_by from worker.requests r where r.id = p_id
    union
    select r.id, r.superseded_by from step join worker.requests r on r.id = step.superseded_by
  )
  select id from step where superseded_by is null limit 1
$$`
