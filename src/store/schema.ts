import type { ColumnType, Generated, JSONColumnType } from 'kysely'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Priority, RequestState, RunCounts, RunState } from '../states.ts'

/**
 * The tables of schema `worker`. Instants are set by the database's own clock, so that processes on machines with
 * different clocks agree about leases and pauses.
 */
export interface WorkerTables {
  'worker.accounts': AccountRow
  'worker.checkpoints': CheckpointRow
  'worker.full_reads': FullReadRow
  'worker.full_read_ranges': FullReadRangeRow
  'worker.staged_keys': StagedKeyRow
  'worker.unsettled_keys': UnsettledKeyRow
  'worker.change_counters': ChangeCounterRow
  'worker.change_readers': ChangeReaderRow
  'worker.webhooks': WebhookRow
  'worker.processes': ProcessRow
  'worker.served_lines': ServedLineRow
  'worker.requests': RequestRow
  'worker.unreported_requests': UnreportedRequestRow
  'worker.leases': LeaseRow
  'worker.schedules': ScheduleRow
  'worker.holds': HoldRow
  'worker.runs': RunRow
  'worker.run_progress': RunProgressRow
  'worker.idempotency_keys': IdempotencyKeyRow
  'worker.live': LiveRow
  'worker.audit': AuditRow
  'worker.missing_rows': MissingRowsRow
}

type Instant = ColumnType<Date, Date | undefined, Date>

/** `pending → calling → called → visible`: how far the first login of an account has come. */
export type FirstLoginState = 'pending' | 'calling' | 'called' | 'visible'

interface AccountRow {
  name: string
  issuer: string
  subject: string
  /** The GraphQL endpoint, or '' for an account without Hasura. */
  endpoint: string
  first_login: Generated<FirstLoginState>
  /** The process that is calling `refresh_users`; the call belongs to it while that process lives. */
  first_login_process: string | null
  first_login_note: string | null
  /** When all steps of its bootstrap had succeeded. */
  bootstrapped_at: Date | null
  created_at: Generated<Date>
}

/** Who listens to an account's subscriptions (`job` is ''), and how it goes with those of its jobs. */
interface LiveRow {
  account: string
  job: string
  /** The process that listens, as long as it lives; null where nobody does. */
  process: string | null
  state: Generated<'connecting' | 'live' | 'failing'>
  code: string | null
  found: string | null
  remedy: string | null
  since: Generated<Date>
}

/** A row's values in the columns that order a read, as the API gave them: the read resumes after it. */
export type Position = readonly string[]

interface CheckpointRow {
  account: string
  job: string
  /** Of what the job reads and in which order: another one can't go on from this checkpoint. */
  fingerprint: string
  /** The parts of it that can be told. */
  definition: JSONColumnType<object> | null
  /** The columns that the mirror's rows were read with, by their names. */
  columns: JSONColumnType<Readonly<Record<string, string>>> | null
  /** How they were selected before, and which of them some runs have left as they were. */
  column_state: JSONColumnType<object> | null
  high: string | null
  position: JSONColumnType<Position> | null
  scan_started_at: string | null
  scanned_at: string | null
  /** The greatest cursor that a scan has seen since one was first rung for. */
  rung_high: string | null
  /** Rows of the longest page that the role's row limit has allowed in a complete read. */
  longest_page: number | null
  /** Of the claims that decide what the account may see, when it was last swept. */
  grants: string | null
  swept_at: Date | null
  updated_at: Generated<Date>
}

/** A read of everything that an account may see of a table, in ranges of its key; gone when it is complete. */
interface FullReadRow {
  id: Generated<string>
  account: string
  job: string
  /** A load brings whole rows, a sweep only keys and cursors. */
  purpose: 'load' | 'sweep'
  /** Once all ranges are read, what was found missing is settled key by key. */
  phase: Generated<'reading' | 'settling'>
  /** Of everything that it reads: a read that started with another definition doesn't resume. */
  definition: string
  /** The remote time at which it began. */
  started_at: string
  /** The greatest cursor at that time. */
  high: string | null
  total: string | null
  /** Its keys are kept, to find what is no longer there. */
  staged: boolean
  dry_run: boolean
  /** Of the run that began it. */
  request_id: string
  /** How many rows the account had when it was compared, and how many of them were marked as deleted since. */
  here: string | null
  gone: Generated<string>
  created_at: Generated<Date>
}

interface FullReadRangeRow {
  read_id: string
  range: number
  behind: JSONColumnType<Position> | null
  up_to: JSONColumnType<Position> | null
  position: JSONColumnType<Position> | null
  rows: Generated<string>
  done: Generated<boolean>
}

interface StagedKeyRow {
  read_id: string
  key: string[]
  cursor: string | null
}

/** A key whose row has to be read again, or that is to be marked as deleted if it isn't there any more. */
interface UnsettledKeyRow {
  id: Generated<string>
  read_id: string
  key: string[]
}

/** Gives each change of a mirror table its place, in the order of the commits. */
interface ChangeCounterRow {
  mirror: string
  last: string
}

interface ChangeReaderRow {
  reader: string
  mirror: string
  /** Whose changes it reads; '' for those of all accounts. */
  account: Generated<string>
  position: string
  /** The request whose run follows it, or was the last to do so when it ended before the table's end. */
  request_id: string | null
  /** Another run wanted to follow it meanwhile. */
  look_again: Generated<boolean>
  updated_at: Generated<Date>
}

/** `parked`: no message was accepted in three days of attempts; `ended`: the receiver has answered 410. */
export type WebhookState = 'live' | 'parked' | 'ended'

/** The subscription of an account; how far it has come is its reader's position. */
interface WebhookRow {
  account: string
  webhook: string
  /** A digest of where messages go: at another address a subscription is live again. */
  address: string
  state: Generated<WebhookState>
  /** When the first message failed after the last accepted one, later by the time in which none was tried. */
  failing_since: Date | null
  /** When a message failed last. */
  failed_at: Date | null
  /** Grows with each replay, whose messages have ids of their own. */
  epoch: Generated<string>
  /** The request that has resumed or replayed it last. */
  asked_by: string | null
}

interface ProcessRow {
  id: string
  host: string
  pid: number
  started_at: Generated<Date>
  expires_at: Instant
}

/** A line that a process knows: it takes the line's requests and keeps its schedule. */
interface ServedLineRow {
  process: string
  account: string
  job: string
  /** The account begins with a bootstrap, which makes the first syncs in their order: ticks come after it. */
  after_bootstrap: boolean
  /** Which of the account's slots its runs may take, over all processes: so many from the first on. */
  first_slot: Generated<number>
  slots: Generated<number>
  has_schedule: Generated<boolean>
}

interface RequestRow {
  id: string
  /** The order in which requests were made. */
  seq: Generated<string>
  account: string
  job: string
  payload: JSONColumnType<object>
  /** The same for equal requests, whatever the order of their fields. */
  payload_hash: string
  trigger: string
  /** Who asked: idempotency keys are each caller's own. */
  caller: string
  priority: Priority
  /** Its place in the line: when it was made, moved by its priority. */
  rank: Date
  state: Generated<RequestState>
  /** When a waiting request becomes ready; null for one that is, `infinity` for one that waits for its steps. */
  due_at: Date | null
  /** Runs in a row that failed and count. */
  failures: Generated<number>
  /** Runs in a row that ended with their process and had not come further. */
  interruptions: Generated<number>
  run_id: string | null
  /** The process whose foreground run this is: no other takes it, and it ends with that process. */
  reserved_for: string | null
  cancel_requested: Generated<boolean>
  /** The request whose step this is, and the steps that come after it. */
  bootstrap_id: string | null
  steps: string[] | null
  superseded_by: string | null
  /** The trace that its runs belong to, as its caller has sent it, and those of requests that it has absorbed. */
  trace: JSONColumnType<TraceHeaders> | null
  absorbed_traces: JSONColumnType<readonly TraceHeaders[]> | null
  error_code: string | null
  error_found: string | null
  error_remedy: string | null
  requested_at: Generated<Date>
  ended_at: Date | null
}

/** A request that the database accepted itself, until a process reports it to its observer. */
interface UnreportedRequestRow {
  id: Generated<string>
  /** The request that does the work. */
  request_id: string
  account: string
  job: string
  trigger: string
  absorbed: boolean
  /** What its caller sent, and what is kept with the request that absorbed it. */
  trace: JSONColumnType<TraceHeaders> | null
  absorber: JSONColumnType<TraceHeaders> | null
  accepted_at: Generated<Date>
}

/** A line: its one active run, and a number that grows with each claim. */
interface LeaseRow {
  account: string
  job: string
  fence: string
  run_id: string | null
  process: string | null
  /** Which of the account's slots the run takes. */
  slot: number | null
  /** A command that keeps the line free of runs, such as `reset`; its process is in `process`. */
  occupied_by: string | null
  taken_at: Date | null
  /** Where the row lies while the lease is intact: see `worker.lease_origin`. */
  origin: string | null
  /** When a run of it last succeeded that was no dry run. */
  succeeded_at: Date | null
}

interface ScheduleRow {
  account: string
  job: string
  rule: string
  next_run_at: Date
  last_run_at: Date | null
  /** Ticks that nobody was there for. */
  missed: Generated<string>
  last_missed_at: Date | null
  paused: Generated<boolean>
}

interface HoldRow {
  account: string
  /** '' holds every job of the account. */
  job: string
  /** A hold placed by the gate is lifted when it lets a run pass; one placed during a run, only by a successful run. */
  met_by: 'gate' | 'run'
  code: string
  /** Its message, in two parts (`Explanation`). */
  found: string
  remedy: string | null
  since: Generated<Date>
  probes: Generated<number>
  probe_at: Date
  /** The API asked for a pause until then: nobody lifts it sooner. */
  asked_until: Date | null
  /** Somebody has asked for a probe since the last one began. */
  probe_wanted: Generated<boolean>
}

interface RunRow {
  id: string
  /** The order in which runs began. */
  seq: Generated<string>
  request_id: string
  account: string
  job: string
  trigger: string
  /** Who made its request; null for a run before that was kept. */
  caller: string | null
  attempt: number
  state: Generated<RunState>
  process: string
  fence: string
  from_position: string | null
  to_position: string | null
  counts: JSONColumnType<RunCounts> | null
  error_code: string | null
  error_found: string | null
  error_remedy: string | null
  started_at: Generated<Date>
  finished_at: Date | null
}

/** How far a run has come, apart from the requests, which it would bloat. */
interface RunProgressRow {
  run_id: string
  progress: JSONColumnType<object>
}

/** Which request a producer's key stands for, also when that request was absorbed by an equal one; gone with its request. */
interface IdempotencyKeyRow {
  caller: string
  account: string
  job: string
  key: string
  payload_hash: string
  request_id: string
  /** Whether an equal request absorbed the first one: repetitions get the same response. */
  absorbed: Generated<boolean>
}

/** What a deletion guard keeps: the rows that the last comparison of all keys didn't find in the API. */
interface MissingRowsRow {
  /** Each comparison has a greater one. */
  id: Generated<string>
  account: string
  job: string
  compared_at: Generated<Date>
  /** The account's rows that are mirrored and not deleted. */
  here: string
  missing: string
  /** The first ones of those that are missing. */
  keys: JSONColumnType<readonly Position[]>
}

/** An action on the dashboard; written before it starts. */
interface AuditRow {
  id: Generated<string>
  at: Generated<Date>
  /** For people. */
  viewer: string
  /** `http:<client>/<subject>`; null for a session opened by the link. */
  caller: string | null
  action: string
  /** The filter, or the one request. */
  wanted: JSONColumnType<object>
  affected: number | null
  outcome: 'done' | 'failed' | null
  /** Why it failed. */
  told: string | null
  ended_at: Date | null
}
