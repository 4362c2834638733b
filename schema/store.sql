-- The store's tables and the signatures of its functions. Written by: npm run store-schema

create table worker.accounts (
  name text not null,
  issuer text not null,
  subject text not null,
  endpoint text not null,
  first_login text default 'pending'::text not null,
  first_login_process uuid,
  first_login_note text,
  bootstrapped_at timestamp with time zone,
  created_at timestamp with time zone default now() not null,
  PRIMARY KEY (name),
  CHECK ((first_login = ANY (ARRAY['pending'::text, 'calling'::text, 'called'::text, 'visible'::text])))
);

create table worker.audit (
  id bigint generated always as identity not null,
  at timestamp with time zone default now() not null,
  viewer text not null,
  caller text,
  action text not null,
  wanted jsonb not null,
  affected integer,
  outcome text,
  told text,
  ended_at timestamp with time zone,
  PRIMARY KEY (id),
  CHECK ((outcome = ANY (ARRAY['done'::text, 'failed'::text])))
);

create table worker.change_counters (
  mirror text not null,
  last bigint not null,
  PRIMARY KEY (mirror)
);

create table worker.change_readers (
  reader text not null,
  mirror text not null,
  "position" bigint not null,
  updated_at timestamp with time zone default now() not null,
  account text default ''::text not null,
  request_id text,
  look_again boolean default false not null,
  PRIMARY KEY (reader, mirror, account)
);

create table worker.checkpoints (
  account text not null,
  job text not null,
  fingerprint text not null,
  high text,
  "position" jsonb,
  scan_started_at text,
  scanned_at text,
  updated_at timestamp with time zone default now() not null,
  columns jsonb,
  grants text,
  swept_at timestamp with time zone,
  definition jsonb,
  column_state jsonb,
  rung_high text,
  longest_page integer,
  PRIMARY KEY (account, job)
);

create table worker.full_read_ranges (
  read_id bigint not null,
  range integer not null,
  behind jsonb,
  up_to jsonb,
  "position" jsonb,
  rows bigint default 0 not null,
  done boolean default false not null,
  PRIMARY KEY (read_id, range),
  FOREIGN KEY (read_id) REFERENCES worker.full_reads(id) ON DELETE CASCADE
);

create table worker.full_reads (
  id bigint generated always as identity not null,
  account text not null,
  job text not null,
  purpose text not null,
  phase text default 'reading'::text not null,
  definition text not null,
  started_at text not null,
  high text,
  total bigint,
  staged boolean not null,
  dry_run boolean not null,
  request_id text not null,
  here bigint,
  gone bigint default 0 not null,
  created_at timestamp with time zone default now() not null,
  PRIMARY KEY (id),
  CHECK ((phase = ANY (ARRAY['reading'::text, 'settling'::text]))),
  CHECK ((purpose = ANY (ARRAY['load'::text, 'sweep'::text])))
);
CREATE UNIQUE INDEX full_reads_of_job ON worker.full_reads USING btree (account, job, dry_run);

create table worker.holds (
  account text not null,
  job text not null,
  met_by text not null,
  code text not null,
  found text not null,
  since timestamp with time zone default now() not null,
  probes integer default 0 not null,
  probe_at timestamp with time zone not null,
  remedy text,
  asked_until timestamp with time zone,
  probe_wanted boolean default false not null,
  PRIMARY KEY (account, job),
  CHECK ((met_by = ANY (ARRAY['gate'::text, 'run'::text])))
);

create table worker.idempotency_keys (
  caller text not null,
  account text not null,
  job text not null,
  key text not null,
  payload_hash text not null,
  request_id text not null,
  absorbed boolean default false not null,
  PRIMARY KEY (caller, account, job, key),
  FOREIGN KEY (request_id) REFERENCES worker.requests(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX idempotency_keys_of_request ON worker.idempotency_keys USING btree (request_id);

create table worker.leases (
  account text not null,
  job text not null,
  fence bigint not null,
  run_id uuid,
  process uuid,
  slot integer,
  occupied_by uuid,
  taken_at timestamp with time zone,
  origin text,
  succeeded_at timestamp with time zone,
  PRIMARY KEY (account, job)
);
CREATE INDEX leases_occupied ON worker.leases USING btree (occupied_by) WHERE (occupied_by IS NOT NULL);
CREATE UNIQUE INDEX leases_slot ON worker.leases USING btree (account, slot) WHERE (slot IS NOT NULL);

create table worker.live (
  account text not null,
  job text not null,
  process uuid,
  state text default 'connecting'::text not null,
  code text,
  found text,
  remedy text,
  since timestamp with time zone default now() not null,
  PRIMARY KEY (account, job),
  CHECK ((state = ANY (ARRAY['connecting'::text, 'live'::text, 'failing'::text])))
);

create table worker.missing_rows (
  id bigint generated always as identity not null,
  account text not null,
  job text not null,
  compared_at timestamp with time zone default now() not null,
  here bigint not null,
  missing bigint not null,
  keys jsonb not null,
  PRIMARY KEY (account, job)
);

create table worker.processes (
  id uuid not null,
  host text not null,
  pid integer not null,
  started_at timestamp with time zone default now() not null,
  expires_at timestamp with time zone not null,
  PRIMARY KEY (id)
);

create table worker.requests (
  id text not null,
  seq bigint generated always as identity not null,
  account text not null,
  job text not null,
  payload jsonb not null,
  payload_hash text not null,
  trigger text not null,
  caller text not null,
  priority text not null,
  rank timestamp with time zone not null,
  state text default 'waiting'::text not null,
  due_at timestamp with time zone,
  failures integer default 0 not null,
  interruptions integer default 0 not null,
  run_id uuid,
  reserved_for uuid,
  cancel_requested boolean default false not null,
  bootstrap_id text,
  steps text[],
  superseded_by text,
  error_code text,
  error_found text,
  error_remedy text,
  requested_at timestamp with time zone default now() not null,
  ended_at timestamp with time zone,
  trace jsonb,
  absorbed_traces jsonb,
  PRIMARY KEY (id)
);
CREATE INDEX requests_due ON worker.requests USING btree (due_at) WHERE ((state = 'waiting'::text) AND (due_at IS NOT NULL));
CREATE INDEX requests_ended ON worker.requests USING btree (ended_at) WHERE (ended_at IS NOT NULL);
CREATE UNIQUE INDEX requests_equal ON worker.requests USING btree (account, job, payload_hash) WHERE ((state = 'waiting'::text) AND (reserved_for IS NULL));
CREATE INDEX requests_failed ON worker.requests USING btree (seq) WHERE (state = 'failed'::text);
CREATE INDEX requests_newest ON worker.requests USING btree (seq);
CREATE INDEX requests_of_bootstraps ON worker.requests USING btree (account, job) WHERE ((bootstrap_id IS NOT NULL) OR (job = 'bootstrap-account'::text));
CREATE INDEX requests_ready ON worker.requests USING btree (account, job, rank, seq) WHERE ((state = 'waiting'::text) AND (due_at IS NULL));
CREATE INDEX requests_reserved ON worker.requests USING btree (reserved_for) WHERE ((state = 'waiting'::text) AND (reserved_for IS NOT NULL));

create table worker.run_progress (
  run_id uuid not null,
  progress jsonb not null,
  PRIMARY KEY (run_id)
);

create table worker.runs (
  id uuid not null,
  seq bigint generated always as identity not null,
  request_id text not null,
  account text not null,
  job text not null,
  trigger text not null,
  attempt integer not null,
  state text default 'running'::text not null,
  process uuid not null,
  fence bigint not null,
  from_position text,
  to_position text,
  counts jsonb,
  error_code text,
  error_found text,
  error_remedy text,
  started_at timestamp with time zone default now() not null,
  finished_at timestamp with time zone,
  caller text,
  PRIMARY KEY (id)
);
CREATE INDEX runs_newest ON worker.runs USING btree (seq);
CREATE INDEX runs_of_job ON worker.runs USING btree (job, seq);
CREATE INDEX runs_of_request ON worker.runs USING btree (request_id);

create table worker.schedules (
  account text not null,
  job text not null,
  rule text not null,
  next_run_at timestamp with time zone not null,
  last_run_at timestamp with time zone,
  paused boolean default false not null,
  missed bigint default 0 not null,
  last_missed_at timestamp with time zone,
  PRIMARY KEY (account, job)
);
CREATE INDEX schedules_due ON worker.schedules USING btree (next_run_at) WHERE (NOT paused);

create table worker.served_lines (
  process uuid not null,
  account text not null,
  job text not null,
  after_bootstrap boolean not null,
  slots integer default 4 not null,
  has_schedule boolean default true not null,
  first_slot integer default 1 not null,
  PRIMARY KEY (process, account, job),
  FOREIGN KEY (process) REFERENCES worker.processes(id) ON DELETE CASCADE
);
CREATE INDEX served_lines_of_line ON worker.served_lines USING btree (account, job);

create table worker.staged_keys (
  read_id bigint not null,
  key text[] not null,
  cursor text,
  FOREIGN KEY (read_id) REFERENCES worker.full_reads(id) ON DELETE CASCADE
);
CREATE INDEX staged_keys_of_read ON worker.staged_keys USING brin (read_id);
alter table worker.staged_keys replica identity full;

create table worker.unreported_requests (
  id bigint generated always as identity not null,
  request_id text not null,
  account text not null,
  job text not null,
  trigger text not null,
  absorbed boolean not null,
  trace jsonb,
  absorber jsonb,
  accepted_at timestamp with time zone default now() not null,
  PRIMARY KEY (id)
);

create table worker.unsettled_keys (
  id bigint generated always as identity not null,
  read_id bigint not null,
  key text[] not null,
  PRIMARY KEY (id),
  FOREIGN KEY (read_id) REFERENCES worker.full_reads(id) ON DELETE CASCADE
);
CREATE INDEX unsettled_keys_of_read ON worker.unsettled_keys USING btree (read_id, id);

create table worker.webhooks (
  account text not null,
  webhook text not null,
  address text not null,
  state text default 'live'::text not null,
  failing_since timestamp with time zone,
  epoch bigint default 0 not null,
  asked_by text,
  failed_at timestamp with time zone,
  PRIMARY KEY (account, webhook),
  CHECK ((state = ANY (ARRAY['live'::text, 'parked'::text, 'ended'::text])))
);

-- worker.accept(p_id text, p_account text, p_job text, p_payload jsonb, p_trigger text, p_priority text, p_caller text, p_key text, p_bootstrap text, p_steps text[], p_waits boolean, p_trace jsonb) returns TABLE(id text, absorbed boolean, conflict boolean, fence bigint, free boolean, said_absorbed boolean, kept jsonb, repeated boolean)
-- worker.add_requests(p_requests jsonb) returns TABLE(place integer, id text, absorbed boolean, kept jsonb, fence bigint, free boolean)
-- worker.add_trace(p_traces jsonb, p_trace jsonb) returns jsonb
-- worker.beat(p_process uuid, p_host text, p_pid integer, p_life_seconds double precision, p_runs uuid[]) returns TABLE(kind text, run_id uuid)
-- worker.cancel(p_id text) returns text
-- worker.claim_lines(p_claims jsonb, p_have_leases boolean) returns TABLE(place integer, verdict text, probed boolean, run json)
-- worker.count_interruptions(p_before integer, p_run uuid, p_state text, p_counts boolean) returns integer
-- worker.end_interrupted(p_run uuid, p_request text, p_counts boolean, p_error jsonb) returns void
-- worker.end_runs(p_ends jsonb) returns TABLE(place integer, kind text, probed boolean, answer json)
-- worker.end_step(p_step worker.requests, p_state text, p_error jsonb) returns void
-- worker.fail_waiting(p_waiting text, p_code text, p_found text, p_remedy text) returns void
-- worker.free_slot(p_account text, p_first integer, p_slots integer, p_accounts text[], p_taken integer[]) returns integer
-- worker.holds_of(p_account text, p_job text) returns SETOF worker.holds
-- worker.interruption(p_times integer) returns jsonb
-- worker.interruption_pause(p_times integer) returns double precision
-- worker.lease_origin(p_xmin xid) returns text
-- worker.lift_holds(p_account text, p_job text, p_met_by text) returns TABLE(code text, scope text)
-- worker.living_lines() returns TABLE(account text, job text, process uuid, host text, pid integer, first_slot integer, slots integer)
-- worker.living_processes() returns SETOF worker.processes
-- worker.look(p_process uuid, p_runs uuid[], p_since timestamp with time zone, p_lines integer, p_ticks integer, p_reports integer) returns TABLE(kind text, account text, job text, fence bigint, due_at timestamp with time zone, next_at timestamp with time zone, accepted jsonb)
-- worker.may_tick(p_account text, p_job text, p_after_bootstrap boolean) returns boolean
-- worker.next_step(p_waiting text, p_steps text[]) returns void
-- worker.place_hold(p_account text, p_job text, p_hold jsonb) returns void
-- worker.put_back(p_request worker.requests, p_due timestamp with time zone, p_failures integer) returns void
-- worker.rank_offset(p_priority text) returns interval
-- worker.ready_lines(p_process uuid, p_limit integer) returns TABLE(account text, job text, fence bigint)
-- worker.reap(p_limit integer) returns void
-- worker.request(job text, account text, payload jsonb, priority text, idempotency_key text) returns text
-- worker.successor(p_id text) returns text
-- worker.take_probe(p_account text, p_job text) returns boolean
-- worker.tick(p_accounts text[], p_jobs text[], p_due timestamp with time zone[], p_next timestamp with time zone[], p_missed integer[], p_spread_ms integer[], p_make boolean[]) returns TABLE(account text, job text, fence bigint, free boolean, request_id text, absorbed boolean)
-- worker.waiting_lines(p_account text, p_limit integer, p_slot integer) returns TABLE(account text, job text, fence bigint)
-- worker.waits_for_step(p_request worker.requests, p_job text) returns boolean
