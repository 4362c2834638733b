import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { ScheduleRule } from '../account.ts'
import type { TableEventOptions } from '../definitions/table-events.ts'
import type { UntypedDocument } from '../hasura/derive-documents.ts'
import type { RowOf } from '../hasura/row-of.ts'
import type { SoftDelete } from '../mirror/mirror-table.ts'
import type { RowTransform } from '../mirror/transform-page.ts'
import { type LiveOptions, liveSettingsOf } from './live-settings.ts'
import type { DeletionGuard } from './pull-run.ts'
import type { PullSettings } from './pull-settings.ts'

/** The row's nullable fields never order a scan, because rows with null would be skipped. */
export type NeverNull<Row> = {
  [F in keyof Row & string]-?: null extends Row[F] ? never : undefined extends Row[F] ? never : F
}[keyof Row & string]

/** Told by the compiler, where `never` would say nothing. */
type PullVariables = 'a query of one list with the variables $where, $order_by and $limit'

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
    (V extends { where: unknown; order_by: unknown; limit: number } ? unknown : PullVariables)
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
  /** Filters rows; a function returns a filter per account, `{}` for all rows. */
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
   * than a row takes to become visible, such as the API's longest transaction; for a cursor of numbers in units (default 0).
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

/** From here on rows and variables are known only by name: their types were checked where the job is defined. */
export function settingsOf<R, V, K extends NeverNull<RowOf<R>>, F extends keyof RowOf<R> & string>(
  options: PullOptions<R, V, K, F>,
): PullSettings {
  const { where, sweep = { everySeconds: 86_400 }, deletionGuard, softDelete, evolution = 'read-again' } = options
  const filter: unknown = where === undefined ? {} : where
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
    where: account => (typeof where === 'function' ? (where as (given: typeof account) => unknown)(account) : filter),
    fixedWhere: typeof where === 'function' ? undefined : Object(where),
    pageSize: options.pageSize ?? 1_000,
    ranges: options.ranges ?? 4,
    lookback: options.lookback,
    sweep,
    guard: { share: deletionGuard?.share ?? 0.3, floor: deletionGuard?.floor ?? 10 },
    evolution,
    live: liveSettingsOf(options.live),
  }
}
