/** Processes whose last heartbeat is recent enough. The runs of all others are taken over. */
export const livingProcessesFunction = `
create function worker.living_processes() returns setof worker.processes language sql stable as $$
  select p.* from worker.processes p where p.expires_at > now()
$$`

/** Lines that a live process serves, once per process. */
export const livingLinesFunction = `
create function worker.living_lines() returns table (
  account text, job text, process uuid, host text, pid integer, first_slot integer, slots integer
)
language sql stable as $$
  select v.account, v.job, p.id, p.host, p.pid, v.first_slot, v.slots
  from worker.served_lines v join worker.living_processes() p on p.id = v.process
$$`
