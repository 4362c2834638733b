import type { ColumnType, Generated, JSONColumnType } from 'kysely'

/**
 * The tables of schema `worker`. Instants are set by the database's own clock, so that processes on machines with
 * different clocks agree about leases and pauses.
 */
export interface WorkerTables {
  'worker.accounts': AccountRow
  'worker.bootstrap_steps': BootstrapStepRow
  'worker.checkpoints': CheckpointRow
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

/** The last row of a page: the scan goes on behind it. Texts as the API gave them. */
export interface Position {
  readonly cursor: string
  readonly key: readonly string[]
}

interface CheckpointRow {
  account: string
  job: string
  /** Of the job's document and filter: another one can't go on from this checkpoint. */
  fingerprint: string
  high: string | null
  position: JSONColumnType<Position> | null
  scan_started_at: string | null
  scanned_at: string | null
  updated_at: Generated<Date>
}

interface ProcessRow {
  id: string
  host: string
  pid: number
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
  reason: string
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
