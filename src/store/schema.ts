import type { ColumnType, Generated, JSONColumnType } from 'kysely'

/**
 * The tables of schema `worker`. Instants are set by the database's own clock, so that processes on machines with
 * different clocks agree about leases and pauses.
 */
export interface WorkerTables {
  'worker.accounts': AccountRow
  'worker.bootstrap_steps': BootstrapStepRow
  'worker.checkpoints': CheckpointRow
  'worker.full_reads': FullReadRow
  'worker.full_read_ranges': FullReadRangeRow
  'worker.staged_keys': StagedKeyRow
  'worker.unsettled_keys': UnsettledKeyRow
  'worker.change_counters': ChangeCounterRow
  'worker.change_readers': ChangeReaderRow
  'worker.processes': ProcessRow
  'worker.leases': LeaseRow
  'worker.schedules': ScheduleRow
  'worker.holds': HoldRow
  'worker.waiters': WaiterRow
  'worker.runs': RunRow
  'worker.idempotency_keys': IdempotencyKeyRow
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

interface BootstrapStepRow {
  /** The request of job `bootstrap-account` that this step belongs to. */
  bootstrap_id: string
  /** The job that the step asks for. */
  step: string
  account: string
  state: Generated<'requested' | 'done' | 'failed'>
  request_id: string
  updated_at: Generated<Date>
}

/** A row's values in the columns that order a read, as the API gave them: the read goes on behind it. */
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
  /** Of everything that it reads: one that was begun with another definition isn't gone on with. */
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
  account: string
  position: string
  /** The request whose run follows it, or was the last to do so when it ended before the table's end. */
  request_id: string | null
  /** Another run wanted to follow it meanwhile. */
  look_again: Generated<boolean>
  updated_at: Generated<Date>
}

interface ProcessRow {
  id: string
  host: string
  pid: number
  /** It takes requests; a command in the foreground doesn't. */
  is_worker: Generated<boolean>
  started_at: Generated<Date>
  expires_at: Instant
}

interface LeaseRow {
  account: string
  job: string
  /** Grows with each taking and never falls: a run that holds an older one must not write. */
  fence: ColumnType<string, string | number, string | number>
  process: string | null
  taken_at: Generated<Date>
}

interface ScheduleRow {
  account: string
  job: string
  rule: string
  next_run_at: Date
  /** While a process is adding the request of this tick, the others leave it alone until then. */
  claimed_until: Date | null
  last_run_at: Date | null
  paused: Generated<boolean>
}

interface HoldRow {
  account: string
  /** '' holds every job of the account. */
  job: string
  /** What the gate met is over when it lets a run pass; what a run met behind it, only when a run came through. */
  met_by: 'gate' | 'run'
  code: string
  /** What is told of it, in two parts (`Explanation`). */
  found: string
  remedy: string | null
  since: Generated<Date>
  probes: Generated<number>
  probe_at: Date
}

interface WaiterRow {
  seq: Generated<string>
  request_id: string
  account: string
  job: string
  since: Generated<Date>
}

export type RunState = 'running' | 'waiting' | 'succeeded' | 'failed' | 'refused' | 'interrupted'

export interface RunCounts {
  readonly read?: number
  readonly inserted?: number
  readonly updated?: number
  readonly unchanged?: number
  /** Rows that were there before and were found to be gone. */
  readonly deleted?: number
  /** Rows that had been deleted and are there again. */
  readonly revived?: number
  readonly pages?: number
}

interface RunRow {
  id: Generated<string>
  request_id: string
  account: string
  job: string
  /** The same for equal requests. */
  deduplication_id: string
  trigger: string
  attempt: number
  state: Generated<RunState>
  process: string | null
  fence: string | null
  from_position: string | null
  to_position: string | null
  counts: JSONColumnType<RunCounts> | null
  error_code: string | null
  error_message: string | null
  started_at: Generated<Date>
  finished_at: Date | null
}

/** Which request a producer's key stands for, also when that request was absorbed by an equal one. */
interface IdempotencyKeyRow {
  account: string
  job: string
  key: string
  payload_hash: string
  request_id: string
  created_at: Generated<Date>
}
