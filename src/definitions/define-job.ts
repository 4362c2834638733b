import type { DocumentNode } from 'graphql'
import type { RawBuilder } from 'kysely'
import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import type { Explanation, Told } from '../explanation.ts'
import type { Session } from '../gate/session.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import type { Log } from '../log.ts'
import type { Names } from '../names/unknown-fields.ts'
import type { MessageOutcome, WrittenPage } from '../observer/observer.ts'
import type { RunCounts } from '../states.ts'
import type { FencedTransaction, StatementResult, StoreReader } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { checkFields } from './check-fields.ts'
import type { Doorbell } from './doorbell.ts'
import { markCopy } from './engine-copy.ts'
import type { JobSpec, PayloadArgument } from './job-spec.ts'
import type { TableEvent, TableEvents } from './table-events.ts'

/**
 * One job: its spec, its schedule and what it does.
 *
 * @example
 * import type { JobDefinition } from 'hasura-sync-worker'
 * import { jobs } from './list.ts'
 *
 * const all: readonly JobDefinition[] = jobs
 *
 * export const scheduled = all.filter(({ schedule }) => schedule !== undefined)
 */
export interface JobDefinition<N extends string = string, P extends z.ZodType = z.ZodType, S = unknown>
  extends JobSpec<N, P> {
  /**
   * What it needs from the environment or the accounts file: a zod object of strings in camelCase. `searchUrl` is read from
   * `SEARCH_URL`, or from the file that `SEARCH_URL_FILE` names. If a required value is missing, the job is held.
   */
  readonly settings?: z.ZodType<S> & { readonly shape: Readonly<Record<string, unknown>> }
  readonly schedule?: ScheduleRule
  /** The operations it sends, checked against the SDL of its role before each run. */
  readonly operations?: readonly DocumentNode[]
  /** Further operations that it sends if its role may. */
  findDerivedOperations?(schema: RoleSchema): readonly DocumentNode[]
  /** What is wrong with its definition, as far as the role's schema shows; checked before each run. */
  findProblems?(schema: RoleSchema): readonly Told[]
  /** What may fail a run, depending on the rows it reads; checked if there are no problems. */
  findRisk?(schema: RoleSchema): Explanation | undefined
  /** It supports dry runs: it changes nothing and reports what would change. */
  readonly canDryRun?: true
  /**
   * Its runs wait for somebody else's server, which may be slow, and ask nothing of the account's API: they take no slot of those
   * that do.
   */
  readonly waitsFor?: 'receiver'
  /** It waits for requests of its own, so it can't run in the foreground. */
  readonly needsWorker?: true
  /** The mirror tables it writes. No two jobs may write the same table. */
  readonly into?: string | readonly string[]
  /** Mirror tables whose changes it reads: it is requested when a run of the same account has written to one. */
  readonly follows?: readonly string[]
  /** Changes of a table in Hasura's database: the table's event trigger, sent to `/hooks/hasura/events`, requests a run. */
  readonly on?: TableEvents
  /** Subscriptions that request runs, in addition to the schedule. */
  readonly doorbell?: Doorbell
  /**
   * The payload for an event of `on`; default `{}`. Equal requests absorb each other. If `isCrowded` is true, many requests
   * already wait in the line, and a payload that covers all of them is better than one for this event only.
   */
  payloadOfEvent?(event: TableEvent, isCrowded: boolean): z.input<P>
  /** The payload of a repeated request (`retry`); default: the same. `errorCode` is that of a failed one. */
  payloadOfRetry?(payload: unknown, errorCode?: string): unknown
  run(session: Session, context: JobContext<z.output<P>, S>): Promise<JobResult | NoResult>
}

/**
 * What a run gets besides its session.
 *
 * @example
 * import type { JobContext } from 'hasura-sync-worker'
 *
 * export async function countUsers({ store, progress }: JobContext<unknown>): Promise<number> {
 *   const accounts = await store.selectFrom('worker.accounts').select('name').execute()
 *   progress({ done: accounts.length })
 *   return accounts.length
 * }
 */
export interface JobContext<P, S = unknown> {
  readonly payload: P
  /** Change nothing, and report what would change. */
  readonly dryRun: boolean
  /** Their values when this run started. */
  readonly settings: S
  readonly requestId: string
  /** The names of all jobs that run for this account. */
  readonly accountJobs: ReadonlySet<string>
  /**
   * Aborted when the worker stops, loses its store or the lease, or when an operator cancels the request. Then throw its reason; what
   * a job returns then is ignored after a stop, whose request runs again, and after a cancellation.
   */
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Log
  /** The folder with the SDL of each role. */
  readonly schemaFolder: URL
  /** For reading outside `transaction`; write through `transaction` or `statement`. */
  readonly store: StoreReader
  /**
   * Commits what `work` writes, if this run still holds its lease. Inside, await each statement of `tx` and nothing else; the other
   * members of the context that use the database are refused (`inside-transaction`).
   *
   * @throws LeaseLostError if another run has taken over; PermanentError (`not-awaited`) if `work` ends before its statements. Then
   *   nothing is written
   */
  transaction<T>(work: (tx: FencedTransaction) => Promise<T>): Promise<T>
  /**
   * Commits what one statement writes, if this run still holds its lease, in a quarter of the time of `transaction`. All that it
   * writes and returns must depend on `held`, and it must write or return at least one row.
   *
   * @throws LeaseLostError like `transaction`; PermanentError (`nothing-written`)
   */
  statement<R>(build: (held: RawBuilder<boolean>) => RawBuilder<R>): Promise<StatementResult<R>>
  progress(progress: Progress): void
  /** Reports committed rows to metrics and traces. Pulls and `openListRead` call it. */
  pageWritten(page: WrittenPage): void
  /** Tells metrics and traces of a message to another system. A webhook does so. */
  sending<D extends { readonly kind: MessageOutcome }>(to: URL, send: () => Promise<D>): Promise<D>
  /**
   * Requests another job of the same account. An equal waiting request absorbs it.
   *
   * @param job the job, or its spec
   * @throws PermanentError (`unknown-job`) if the list has no job of this name
   */
  request<J extends JobSpec>(job: J, ...payload: PayloadArgument<J>): Promise<{ readonly id: string }>
}

/**
 * The progress of a run.
 *
 * @example
 * import type { Progress } from 'hasura-sync-worker'
 *
 * export const half: Progress = { done: 500, total: 1_000 }
 */
export interface Progress {
  readonly done: number
  /** Absent if the API doesn't tell the total. */
  readonly total?: number
  /** How many of `done` were done by an earlier run. */
  readonly doneBefore?: number
}

/**
 * The result of a run. `waitMs`: the job isn't done and should run again after this pause. `steps`: the request is done when
 * these jobs of the account have run, one after the other.
 *
 * @example
 * import type { JobResult } from 'hasura-sync-worker'
 *
 * export const isDone = (export_: { readonly state: string }): JobResult =>
 *   export_.state === 'done' ? { counts: { read: 1 } } : { waitMs: 60_000 }
 */
export type JobResult = Finished | { readonly waitMs: number } | { readonly steps: readonly string[] }

interface Finished {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly counts?: RunCounts
}

/**
 * Nothing is the same as `{}`. TypeScript 5 infers `void` for a function that returns nothing, and each version infers `{ waitMs?: never }`
 * for the `{}` of one that returns `{}` or a pause.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: a function that returns nothing has this type
export type NoResult = (Finished & { readonly waitMs?: never; readonly steps?: never }) | void

const fieldNames: Names<JobDefinition> = {
  name: true,
  payload: true,
  requirement: true,
  settings: true,
  schedule: true,
  operations: true,
  findDerivedOperations: true,
  findProblems: true,
  findRisk: true,
  canDryRun: true,
  waitsFor: true,
  needsWorker: true,
  into: true,
  follows: true,
  on: true,
  doorbell: true,
  payloadOfEvent: true,
  payloadOfRetry: true,
  run: true,
}

/** A requirement's fields, of which a pull has one, `role`, as an option of its own. */
const misplaced: ReadonlyMap<string, string> = new Map(
  ['role', 'scopes', 'clientRoles'].map(name => [name, `write "requirement: { ${name}: … }"`]),
)

/**
 * Returns the job, with the types of its name, payload and settings.
 *
 * @throws ConfigError if it has a field that no job has
 *
 * @example
 * import { defineJob } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * export const greetUser = defineJob({
 *   name: 'greet-user',
 *   payload: z.strictObject({ userId: z.uuid() }),
 *   async run(_session, { payload, log }) {
 *     log.info({ user: payload.userId }, 'hello')
 *     return {}
 *   },
 * })
 */
export function defineJob<const N extends string, P extends z.ZodType, S>(
  job: JobDefinition<N, P, S>,
): JobDefinition<N, P> {
  checkFields<JobDefinition<N, P, S>>('job', job, fieldNames, misplaced)
  const { payload, settings = z.custom<S>() } = job
  return markCopy<JobDefinition<N, P>>({
    ...job,
    run: (session, context) =>
      job.run(session, {
        ...context,
        payload: payload.parse(context.payload),
        settings: settings.parse(context.settings),
      }),
  })
}
