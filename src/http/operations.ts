import { z } from 'zod'
import type { JobResult } from '../definitions/define-job.ts'
import type { PacedProgress } from '../runs/pace.ts'
import { type AcceptedRequest, type Priority, priorities, type Trigger } from '../runs/requests.ts'
import { type RequestState, requestStates, runStates } from '../store/schema.ts'

/**
 * What may be asked of a worker. Carried out in this process, or by the owner of the embedded database through its control
 * socket: the callers can't tell the difference.
 */
export interface Operations {
  makeRequest(wanted: WantedRequest): Promise<AcceptedRequest>
  findRequest(id: string): Promise<RequestReport | undefined>
  /** The newest first. */
  listRequests(filter: RequestFilter): Promise<readonly RequestSummary[]>
  /** Those that `cancelRequest` or `retryRequest` takes one by one, the oldest first. */
  findRequestIds(group: RequestGroup): Promise<readonly string[]>
  /**
   * Ends a waiting request, for everyone whose wish it has absorbed, and asks a running one to end.
   *
   * @returns the state that it is in then: one that is running ends a moment later
   */
  cancelRequest(id: string): Promise<RequestState>
  /**
   * Makes a request like one that has ended.
   *
   * @throws UsageError for one that has not, and for one that was a run in the foreground
   */
  retryRequest(id: string): Promise<AcceptedRequest>
  /** One run in the foreground; throws what refused or ended it. */
  run(wanted: WantedRun, listener: RunListener, signal: AbortSignal): Promise<JobResult>
  listJobs(): Promise<readonly JobReport[]>
  listAccounts(): Promise<readonly AccountReport[]>
  listRuns(filter: { readonly job?: string | undefined; readonly limit: number }): Promise<readonly RunReport[]>
  listHolds(): Promise<readonly HoldReport[]>
  listSchedules(): Promise<readonly ScheduleReport[]>
  /** Pauses a schedule, or resumes it. Ticks of the pause are not made up for: an interval is due at once, a cron rule at its next time. */
  pauseSchedule(wanted: WantedPause): Promise<ScheduleReport>
  /** Rows of a mirror table. For whoever may open the control socket, and never served over TCP. */
  listMirrorRows(wanted: WantedRows): Promise<MirrorRowsReport>
  /** Forgets a checkpoint: the next run reads everything. */
  reset(job: string, account: string): Promise<void>
  /**
   * Deletes everything that is stored of an account, its tickets on Redis too.
   *
   * @param options.configured forget it although it is still configured: a worker starts it anew
   * @throws UsageError while it is configured without that option, and while one of its jobs is running
   */
  forget(account: string, options: { readonly configured: boolean }): Promise<void>
  /** Whether a process takes requests at present; commands in the foreground don't. */
  hasWorker(): Promise<boolean>
  /** Rejects when the store or the queue can't be reached. */
  ping(): Promise<void>
}

export interface WantedRequest {
  readonly job: string
  readonly account: string | undefined
  readonly payload: unknown
  readonly trigger: Trigger
  /** Whose idempotency key it is. */
  readonly caller: string
  readonly priority?: Priority | undefined
  readonly idempotencyKey?: string | undefined
}

export interface RequestFilter {
  readonly state?: RequestState | undefined
  readonly job?: string | undefined
  readonly account?: string | undefined
  readonly limit: number
}

/** Requests that are cancelled, or made again, together. */
export interface RequestGroup {
  readonly states: readonly RequestState[]
  readonly job?: string | undefined
  readonly account?: string | undefined
  /** Leaves out runs in the foreground, which only their command can make. */
  readonly repeatable: boolean
}

export interface WantedPause {
  readonly job: string
  readonly account: string | undefined
  readonly paused: boolean
}

export interface WantedRun {
  readonly job: string
  readonly account: string | undefined
  readonly payload: unknown
  /** Default false. */
  readonly dryRun?: boolean
}

export interface WantedRows {
  /** With or without its schema. */
  readonly table: string
  readonly account: string | undefined
  readonly limit: number
}

export interface RunListener {
  onWaiting(): void
  onProgress(progress: PacedProgress): void
}

export const runReportSchema = z.object({
  id: z.string(),
  requestId: z.string(),
  job: z.string(),
  account: z.string(),
  trigger: z.string(),
  /** Who made its request, as that says. */
  caller: z.string().optional(),
  attempt: z.int(),
  state: z.enum(runStates),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  counts: z.record(z.string(), z.number()).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type RunReport = z.infer<typeof runReportSchema>

export const requestSummarySchema = z.object({
  id: z.string(),
  job: z.string(),
  account: z.string(),
  state: z.enum(requestStates),
  trigger: z.string(),
  /** Who asked: `http:<client>/<subject>` of the token, `sql:<user>`, `cli`; empty where the worker itself did, absent over HTTP. */
  caller: z.string().optional(),
  priority: z.enum(priorities),
  /** Runs in a row that failed. */
  failures: z.int(),
  requestedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Why it isn't running; absent for one that doesn't wait. */
  waitsFor: z.string().optional(),
  hold: z.object({ code: z.string(), reason: z.string() }).optional(),
  failedReason: z.string().optional(),
  progress: z.unknown().optional(),
})
export type RequestSummary = z.infer<typeof requestSummarySchema>

export const requestReportSchema = z.object({ ...requestSummarySchema.shape, runs: z.array(runReportSchema) })
export type RequestReport = z.infer<typeof requestReportSchema>

export const jobReportSchema = z.object({
  name: z.string(),
  requirement: z.unknown(),
  schedule: z.string().nullable(),
  into: z.string().nullable(),
  /** The properties that its payload may have. */
  takes: z.array(z.string()),
  /** What keeps it from running wherever it runs, whether or not it is held already. */
  problem: z.string().nullable(),
})
export type JobReport = z.infer<typeof jobReportSchema>

export const accountReportSchema = z.object({
  name: z.string(),
  endpoint: z.string().nullable(),
  firstLogin: z.enum(['pending', 'calling', 'called', 'visible']),
  note: z.string().nullable(),
  bootstrappedAt: z.string().nullable(),
})
export type AccountReport = z.infer<typeof accountReportSchema>

export const holdReportSchema = z.object({
  account: z.string(),
  /** null holds every job of the account. */
  job: z.string().nullable(),
  code: z.string(),
  /** The sentence of `found` and `remedy`. */
  reason: z.string(),
  found: z.string(),
  remedy: z.string().nullable(),
  since: z.string(),
  nextProbeAt: z.string(),
})
export type HoldReport = z.infer<typeof holdReportSchema>

export const scheduleReportSchema = z.object({
  job: z.string(),
  account: z.string(),
  /** In words, such as "every 5 min". */
  rule: z.string(),
  /** null before a worker has stored it, and while it is paused. */
  nextDueAt: z.string().nullable(),
  lastRunAt: z.string().nullable(),
  /** Ticks for which no worker was there, since the schedule was made. */
  missed: z.int(),
  lastMissedAt: z.string().nullable(),
  paused: z.boolean(),
})
export type ScheduleReport = z.infer<typeof scheduleReportSchema>

export const mirrorRowsReportSchema = z.object({
  table: z.string(),
  /** Each the text of a JSON object, with every digit that the mirror has. */
  rows: z.array(z.string()),
  hasMore: z.boolean(),
})
export type MirrorRowsReport = z.infer<typeof mirrorRowsReportSchema>
