import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { ScheduleRule } from '../account.ts'
import { defineJob, type JobDefinition } from '../definitions/define-job.ts'
import type { Doorbell } from '../definitions/doorbell.ts'
import { type TableEventOptions, tableEvents } from '../definitions/table-events.ts'
import { ConfigError } from '../errors.ts'
import type { UntypedDocument } from '../hasura/derive-documents.ts'
import type { RowOf } from '../hasura/row-of.ts'
import type { ChangedTable } from '../mirror/changed-table.ts'
import type { SoftDelete } from '../mirror/mirror-table.ts'
import type { RowTransform } from '../mirror/transform-page.ts'
import { findLiveProblems, type LiveOptions, type LiveSettings, liveSettingsOf } from './live-settings.ts'
import { payloadOfEvent } from './payload-of-event.ts'
import { createPullListener, listLiveDocuments } from './pull-doorbell.ts'
import type { DeletionGuard } from './pull-run.ts'
import { type PullSettings, pullPayload } from './pull-settings.ts'
import { createShapeFinder, findShapeProblems, findShapeRisk, readShape } from './pull-shape.ts'
import { runPull } from './run-pull.ts'

/** The row's nullable fields never order a scan, because rows with null would be skipped. */
export type NeverNull<Row> = {
  [F in keyof Row & string]-?: null extends Row[F] ? never : undefined extends Row[F] ? never : F
}[keyof Row & string]

/** The row's columns whose type shows what a deleted row is: booleans, numbers and instants. */
type JudgedColumn<Row> = {
  [F in keyof Row & string]-?: [NonNullable<Row[F]>] extends [boolean | number | string] ? F : never
}[keyof Row & string]

/** A column, and the job's own rule for its values, including null. Numbers that JavaScript would round are passed as text. */
type SoftDeleteRule<Row> = {
  [F in keyof Row & string]-?: { readonly column: F; readonly isDeleted: (value: Row[F]) => boolean }
}[keyof Row & string]

/**
 * What a pull reads, and where it writes.
 *
 * @example
 * import type { PullOptions } from 'hasura-sync-worker'
 *
 * export const gentle: Pick<PullOptions<unknown, unknown>, 'pageSize' | 'ranges'> = { pageSize: 200, ranges: 1 }
 */
export interface PullOptions<
  R,
  V,
  K extends NeverNull<RowOf<R>> = NeverNull<RowOf<R>>,
  F extends keyof RowOf<R> & string = keyof RowOf<R> & string,
  N extends string = string,
> {
  readonly name: N
  /** Selects one list of rows, with the variables `where`, `order_by` and `limit`. */
  readonly document: TypedDocumentNode<R, V> &
    (V extends { where: unknown; order_by: unknown; limit: number } ? unknown : never)
  readonly role: string
  /** The columns that identify a row. */
  readonly key: K | readonly K[]
  /** Grows whenever a row changes, such as `updated_at`. Without one, every run reads and compares all rows. */
  readonly cursor?: NeverNull<RowOf<R>> | undefined
  /** The table in schema `mirror` for the rows. */
  readonly into: string
  readonly schedule?: ScheduleRule
  /**
   * The table whose event trigger requests a run: the list that the document reads, if Hasura's name for it is the table's own
   * and its schema is `public`, or `{ schema, name }`.
   */
  readonly on?: TableEventOptions<R>
  /** Filters rows; a function returns a filter per account. */
  readonly where?: WhereOf<V> | ((account: { readonly name: string }) => WhereOf<V>)
  /**
   * Maximum rows per page; 1,000 by default. Pages get smaller when rows are large or slow, and a role's own row limit may be
   * lower.
   */
  readonly pageSize?: number
  /** Key ranges that a full read reads concurrently; 4 by default. */
  readonly ranges?: number
  /**
   * How far a scan reaches back before the start of the previous one. For a cursor of instants in seconds (default 300), longer
   * than the API's longest transaction; for a cursor of numbers in units (default 0).
   */
  readonly lookback?: number
  /**
   * When all keys and cursors are compared, to find deleted rows and rows that became visible late. It happens in the first run
   * after it is due, and whenever the account's claims have changed. Once a day by default; false for never.
   */
  readonly sweep?: ScheduleRule | false
  /**
   * A column that marks a row as deleted: it takes effect at once, without a sweep. Null, false, 0 and the instant `infinity`
   * mean that the row exists; anything else means that it is deleted. For other types and rules, use `isDeleted`.
   */
  readonly softDelete?: JudgedColumn<RowOf<R>> | SoftDeleteRule<RowOf<R>>
  /** More deletions at once than both its share (0.3) and its floor (10 rows) hold the job, until they are allowed. */
  readonly deletionGuard?: Partial<DeletionGuard>
  /**
   * Changes a row before it is mirrored, except key and cursor; undefined omits it. Its pages must be parsed, which costs time.
   */
  readonly transform?: (row: RowOf<R>) => RowOf<R> | undefined
  /** Nested objects whose fields become columns of their own (`author { name }` → `author_name`); others are kept as JSON. */
  readonly flatten?: readonly F[]
  /**
   * What happens when the document has gained columns: `read-again` (default) adds them and reads everything again, `hold` waits
   * until someone resets the job.
   */
  readonly evolution?: 'read-again' | 'hold'
  /**
   * Subscribes to the table's greatest cursor, and to its count if the role may aggregate, so that a run follows a change within
   * about a second. The schedule stays: it finds what a subscription can't show.
   */
  readonly live?: boolean | LiveOptions | undefined
}

export type WhereOf<V> = V extends { where: infer W } ? W : never

/**
 * A job that keeps a mirror table equal to what a role sees of a remote table, together with the table, whose changes can be
 * read.
 *
 * @example
 * import type { PullJob } from 'hasura-sync-worker'
 * import { syncTopics } from './sync-topics.ts'
 * import { syncUsers } from './sync-users.ts'
 *
 * export const byId: readonly PullJob<'id'>[] = [syncTopics, syncUsers]
 */
export interface PullJob<K extends string, Row = unknown, N extends string = string>
  extends JobDefinition<N, typeof pullPayload> {
  readonly mirror: ChangedTable<K, Row>
}

/** A mirrored row: a flattened object is replaced by its fields. */
export type MirroredRow<Row, F extends keyof Row & string> = Omit<Row, F> & AllOf<Flattened<Row, F>[F]>

type Flattened<Row, F extends keyof Row & string> = {
  readonly [O in F]: {
    readonly [C in keyof NonNullable<Row[O]> & string as `${O}_${C}`]: NonNullable<Row[O]>[C] | null
  }
}

type AllOf<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer All) => void ? All : never

/**
 * Defines a job that keeps a mirror table equal to what a role sees of a remote table.
 *
 * @example
 * import { pullSync } from 'hasura-sync-worker'
 * import { PullUsersDocument } from '../generated/graphql.ts'
 *
 * export const syncMembers = pullSync({
 *   name: 'sync-members',
 *   document: PullUsersDocument,
 *   role: 'viewer',
 *   key: 'id',
 *   cursor: 'updated_at',
 *   into: 'members',
 *   schedule: { everySeconds: 300 },
 * })
 */
export function pullSync<
  R,
  V,
  K extends NeverNull<RowOf<R>> = NeverNull<RowOf<R>>,
  F extends keyof RowOf<R> & string = never,
  const N extends string = string,
>(options: PullOptions<R, V, K, F, N>): PullJob<K, MirroredRow<RowOf<R>, F>, N> {
  const { name, role, document, into, schedule, on } = options
  const settings = settingsOf(options)
  const findShape = createShapeFinder(settings)
  const job = defineJob({
    name,
    requirement: { role },
    payload: pullPayload,
    ...(schedule && { schedule }),
    ...(on && { on: tableEvents(document, on) }),
    payloadOfEvent: (event, isCrowded) => payloadOfEvent(settings, event, isCrowded),
    operations: [document],
    into,
    canDryRun: true,
    findDerivedOperations(schema) {
      const shape = readShape(settings, schema)
      const { keys, keyAt, count } = shape.derived
      const live = settings.live && listLiveDocuments(shape, settings.live)
      return [keys, keyAt, count?.document, live?.cursor, live?.count].filter(document => document !== undefined)
    },
    findProblems: schema => [
      ...findLiveProblems(settings.live, settings.cursor),
      ...findShapeProblems(settings, schema),
    ],
    findRisk: schema => findShapeRisk(settings, schema),
    ...(settings.live && { doorbell: createDoorbell(settings, settings.live, findShape) }),
    async run(session, context) {
      const shape = await findShape(context.schemaFolder)
      return runPull(settings, shape, session, context)
    },
  })
  return { ...job, mirror: { into, key: [options.key].flat() as K[] } }
}

function createDoorbell(
  settings: PullSettings,
  live: LiveSettings,
  findShape: ReturnType<typeof createShapeFinder>,
): Doorbell {
  return {
    intervalMs: live.intervalMs,
    async listen(schemaFolder, account) {
      const shape = await findShape(schemaFolder)
      const problems = findLiveProblems(live, settings.cursor)
      if (!shape.cursor || problems.length > 0) throw new ConfigError(problems)
      return createPullListener(shape, shape.cursor, settings.where(account), {
        live,
        sweeps: settings.sweep !== false,
      })
    },
  }
}

/** From here on rows and variables are known only by name: their types were checked where the job is defined. */
function settingsOf<R, V, K extends NeverNull<RowOf<R>>, F extends keyof RowOf<R> & string>(
  options: PullOptions<R, V, K, F>,
): PullSettings {
  const { where, sweep = { everySeconds: 86_400 }, deletionGuard, softDelete, evolution = 'read-again' } = options
  return {
    name: options.name,
    role: options.role,
    into: options.into,
    document: options.document as UntypedDocument,
    key: [options.key].flat(),
    cursor: options.cursor,
    softDelete: typeof softDelete === 'string' ? { column: softDelete } : (softDelete as SoftDelete | undefined),
    flatten: new Set<string>(options.flatten),
    transform: options.transform as RowTransform | undefined,
    where: account =>
      Object(typeof where === 'function' ? (where as (given: typeof account) => unknown)(account) : where),
    pageSize: options.pageSize ?? 1_000,
    ranges: options.ranges ?? 4,
    lookback: options.lookback,
    sweep,
    guard: { share: 0.3, floor: 10, ...deletionGuard },
    evolution,
    live: liveSettingsOf(options.live),
  }
}
