/**
 * What the harness adds to the store: tables for its jobs, and triggers that record each change of a request, a schedule and the
 * end of a run, with its transaction. The worker's database user may write only to the tables.
 *
 * A trigger compares only with rows that were committed before its transaction began. Statements of one function also see later
 * commits, which would be false violations.
 */
export const jobTables = `
create schema chaos;
create table chaos.commits (
  seq bigint generated always as identity primary key,
  account text not null, job text not null, request_id text not null, payload jsonb not null,
  run_begun uuid, run_held uuid,
  begun_at timestamptz not null, at timestamptz not null default clock_timestamp()
);
create index commits_of_request on chaos.commits (request_id);
create table chaos.counters (account text, job text, value bigint not null, primary key (account, job));
create table chaos.blocks (request_id text primary key, pid integer not null, ms integer not null, at timestamptz not null default clock_timestamp());
create table chaos.followed (
  seq bigint generated always as identity primary key,
  position bigint not null, op text not null, account text not null, id uuid not null
);
create table chaos.limits (account text primary key, slots integer not null);
create table chaos.orders (id text primary key, request_id text not null, is_restored boolean not null default false);
`

/** @param isEarlier returns the condition that a row was committed before this transaction began */
export const auditTriggers = (isEarlier: (row: string) => string): string => `
create table chaos.requests_log (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(), xid xid8 not null default pg_current_xact_id(),
  id text not null, account text not null, job text not null, was text, state text not null,
  due_was timestamptz, due timestamptz, run_id uuid, in_asked_pause boolean not null
);
create index requests_log_of_xid on chaos.requests_log (xid);
create table chaos.ticks_log (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(), xid xid8 not null default pg_current_xact_id(),
  account text not null, job text not null, rule text not null,
  due_was timestamptz not null, due timestamptz not null, missed bigint not null, made boolean not null, is_first boolean not null
);
create table chaos.interruptions_log (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  run_id uuid not null, process uuid not null, found text, alive boolean not null
);
create function chaos.log_request() returns trigger language plpgsql security definer as $$
begin
  insert into chaos.requests_log (id, account, job, was, state, due_was, due, run_id, in_asked_pause)
  values (new.id, new.account, new.job, case when tg_op = 'UPDATE' then old.state end, new.state,
    case when tg_op = 'UPDATE' then old.due_at end, new.due_at,
    case when tg_op = 'UPDATE' then old.run_id end,
    new.state = 'running' and tg_op = 'UPDATE' and old.state = 'waiting' and new.reserved_for is null and exists (
      select from worker.holds h where h.account = new.account and h.job in ('', new.job) and h.asked_until > now()
        and ${isEarlier('h')}));
  return null;
end $$;
create trigger chaos_log after insert or update on worker.requests for each row execute function chaos.log_request();
create table chaos.slots_log (at timestamptz not null default clock_timestamp(), account text not null, job text not null, slot integer not null);
create function chaos.log_slot() returns trigger language plpgsql security definer as $$
begin
  insert into chaos.slots_log (account, job, slot)
  -- Those of webhooks begin after 1000.
  select new.account, new.job, new.slot from chaos.limits l where l.account = new.account
    and case when new.job like 'tell-%' then new.slot <= 1000 else new.slot > l.slots end;
  return null;
end $$;
create trigger chaos_log after update on worker.leases for each row when (new.slot is not null) execute function chaos.log_slot();
create function chaos.log_tick() returns trigger language plpgsql security definer as $$
begin
  insert into chaos.ticks_log (account, job, rule, due_was, due, missed, made, is_first)
  values (new.account, new.job, new.rule, old.next_run_at, new.next_run_at,
    new.missed - old.missed, new.last_run_at is distinct from old.last_run_at,
    old.last_run_at is null);
  return null;
end $$;
create trigger chaos_log after update on worker.schedules for each row
  when (new.next_run_at is distinct from old.next_run_at and new.rule = old.rule) execute function chaos.log_tick();
create table chaos.overdue_log (at timestamptz not null default clock_timestamp(), process uuid not null);
create function chaos.log_overdue() returns trigger language plpgsql security definer as $$
begin
  insert into chaos.overdue_log (process) values (new.id);
  return null;
end $$;
create trigger chaos_log after update on worker.processes for each row
  when (old.expires_at <= clock_timestamp()) execute function chaos.log_overdue();
create function chaos.log_interruption() returns trigger language plpgsql security definer as $$
begin
  insert into chaos.interruptions_log (run_id, process, found, alive)
  values (new.id, new.process, new.error_found,
    exists (select from worker.processes p where p.id = new.process and p.expires_at > now()));
  return null;
end $$;
create trigger chaos_log after update on worker.runs for each row
  when (new.state = 'interrupted' and old.state = 'running') execute function chaos.log_interruption();
`
