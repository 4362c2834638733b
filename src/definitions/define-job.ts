import type { DocumentNode } from 'graphql'
import type { RawBuilder } from 'kysely'
import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import type { Explanation, Told } from '../errors.ts'
import type { Session } from '../gate/session.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import type { Log } from '../log.ts'
import type { WrittenPage } from '../observer/observer.ts'
import type { RunCounts } from '../states.ts'
import type { FencedTransaction, StoreReader } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import type { Doorbell } from './doorbell.ts'
import type { JobSpec, PayloadArgument } from './job-spec.ts'
import type { TableEvent, TableEvents } from './table-events.ts'

/**
 * One job: its spec, when it runs and what it does.
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
   * What it needs from the environment or the accounts file: a zod object of texts in camelCase. `searchUrl` is read from
   * `SEARCH_URL`, or from the file that `SEARCH_URL_FILE` names. Without a value that it needs the job is held.
   */
  readonly settings?: z.ZodType<S> & { readonly shape: Readonly<Record<string, unknown>> }
  readonly schedule?: ScheduleRule
  /** The operations it sends, checked against the SDL of its role before it ever runs. */
  readonly operations?: readonly DocumentNode[]
  /** What it sends beside them, as far as its role may ask. */
  findDerivedOperations?(schema: RoleSchema): readonly DocumentNode[]
  /** What is wrong with its definition, as far as the schema of its role can tell; before it ever runs. */
  findProblems?(schema: RoleSchema): readonly Told[]
  /** What may end a run of it, depending on the rows it meets; asked where there are no problems. */
  findRisk?(schema: RoleSchema): Explanation | undefined
  /** It leaves everything as it is when it is asked what it would change. */
  readonly canDryRun?: true
  /** It waits for requests of its own, so it can't be run in the foreground. */
  readonly needsWorker?: true
  /** The mirror table it writes, or several; no two jobs may write the same. */
  readonly into?: string | readonly string[]
  /** Mirror tables whose changes it reads: it is requested when a run of the same account has written into one. */
  readonly follows?: readonly string[]
  /** Changes of a table behind Hasura: its event trigger, sent to `/hooks/hasura/events`, asks for a run. */
  readonly on?: TableEvents
  /** Subscriptions that ask for a run; the schedule goes on beside them. */
  readonly doorbell?: Doorbell
  /**
   * What an event of `on` asks for; default `{}`. Equal requests absorb each other, so where `isCrowded` says that many wait in the
   * line already, a payload that covers them all is better than one for this event alone.
   */
  payloadOfEvent?(event: TableEvent, isCrowded: boolean): z.input<P>
  /** What the payload of a request becomes when an operator has it made again; default the same. */
  payloadOfRetry?(payload: unknown): unknown
  run(session: Session, context: JobContext<z.output<P>, S>): Promise<JobResult>
}

/**
 * What a run has beside its session.
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
  /** As they are at the start of this run. */
  readonly settings: S
  readonly requestId: string
  /** The names of all jobs that run for this account. */
  readonly accountJobs: ReadonlySet<string>
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly log: Log
  /** Where the SDL of each role is. */
  readonly schemaFolder: URL
  /** For reading; what a run writes goes through `transaction` or `statement`. */
  readonly store: StoreReader
  /**
   * Commits what `work` writes, if this run still holds its lease. Inside, nothing may be awaited but the database.
   *
   * @throws LeaseLostError when another run has taken over: nothing is written then
   */
  transaction<T>(work: (tx: FencedTransaction) => Promise<T>): Promise<T>
  /**
   * Commits what one statement writes, if this run still holds its lease, in a quarter of the time that `transaction` takes
   * for as much. Everything that it writes has to depend on `held`, and it has to write at least one row.
   *
   * @returns how many rows it has written
   * @throws LeaseLostError as `transaction`; PermanentError (`nothing-written`)
   */
  statement(build: (held: RawBuilder<boolean>) => RawBuilder<unknown>): Promise<number>
  progress(progress: Progress): void
  /** Tells metrics and traces of rows that were committed. A pull and `openListRead` do so. */
  pageWritten(page: WrittenPage): void
  /**
   * Makes a request for another job of the same account; an equal one that waits absorbs it.
   *
   * @param job the job, or its spec
   * @throws PermanentError (`unknown-job`) when the list of jobs has none of this name
   */
  request<J extends JobSpec>(job: J, ...payload: PayloadArgument<J>): Promise<{ readonly id: string }>
}

/**
 * How far a run has come.
 *
 * @example
 * import type { Progress } from 'hasura-sync-worker'
 *
 * export const half: Progress = { done: 500, total: 1_000 }
 */
export interface Progress {
  readonly done: number
  /** Absent where the API doesn't tell how many there are. */
  readonly total?: number
  /** How many of those that are done an earlier run had done already. */
  readonly doneBefore?: number
}

/**
 * What a run reports. `waitMs`: it isn't done and wants to be called again after that pause. `steps`: it is done when these jobs
 * of the account have run, one after the other.
 *
 * @example
 * import type { JobResult } from 'hasura-sync-worker'
 *
 * export const isDone = (export_: { readonly state: string }): JobResult =>
 *   export_.state === 'done' ? { counts: { read: 1 } } : { waitMs: 60_000 }
 */
export type JobResult =
  | { readonly from?: string | undefined; readonly to?: string | undefined; readonly counts?: RunCounts }
  | { readonly waitMs: number }
  | { readonly steps: readonly string[] }

/**
 * Keeps the name and the payload's type, and infers those of the settings.
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
  const { payload, settings = z.custom<S>() } = job
  return {
    ...job,
    run: (session, context) =>
      job.run(session, {
        ...context,
        payload: payload.parse(context.payload),
        settings: settings.parse(context.settings),
      }),
  }
}
