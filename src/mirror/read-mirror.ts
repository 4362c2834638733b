import { type SelectQueryBuilder, sql } from 'kysely'
import type { JobContext } from '../definitions/define-job.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import type { Session } from '../gate/session.ts'
import { parseKeepingDigits, toPlain } from '../json/exact-numbers.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { ChangedTable } from './changed-table.ts'

/** One mirror table under the name `rows`, for Kysely's `where`, `orderBy`, `limit` and `offset`. */
export type MirrorQuery<Row> = SelectQueryBuilder<WorkerTables & { rows: Row }, 'rows', object>

/**
 * The mirrored rows of this account, without those marked as deleted, from a pull or `mirrorRows`. Values look as in the API's
 * JSON: instants in ISO 8601, and numbers that JavaScript would round as text. All rows are held in memory, so read a large table
 * in parts.
 *
 * @param table `mirror` of a pull, or the result of `mirrorRows`
 * @param options.query filters and orders the rows
 * @param options.withDeleted includes rows marked as deleted; default false
 * @returns no rows before the table's first run
 * @example
 * import { type JobContext, readMirror, type Session } from 'hasura-sync-worker'
 * import { syncArticles } from './sync-articles.ts'
 *
 * export const newest = (session: Session, context: JobContext<unknown>) =>
 *   readMirror(session, context, syncArticles.mirror, { query: rows => rows.orderBy('updated_at', 'desc').limit(10) })
 */
export async function readMirror<Row>(
  { account }: Pick<Session, 'account'>,
  { store }: Pick<JobContext<unknown>, 'store'>,
  table: ChangedTable<string, Row>,
  options: {
    readonly query?: (rows: MirrorQuery<Row>) => MirrorQuery<Row>
    readonly withDeleted?: boolean
  } = {},
): Promise<readonly Row[]> {
  const { query, withDeleted = false } = options
  const all: MirrorQuery<Row> = store
    .selectFrom(sql<Row>`${sql.table(`mirror.${table.into}`)}`.as('rows'))
    .where(sql<string>`rows._account`, '=', account.name)
  const alive = withDeleted ? all : all.where(sql<boolean>`rows._deleted_at is null`)
  const chosen = query ? query(alive) : alive
  const found = await chosen
    .select(sql<string>`row_to_json(rows.*)::text`.as('json'))
    .execute()
    .catch((error: unknown) => {
      // The table doesn't exist before its job's first run.
      if (sqlStateOf(error) === '42P01') return []
      throw error
    })
  return found.map(({ json }) => toRow<Row>(json))
}

/** Only the mirror's own columns start with an underscore. */
function toRow<Row>(json: string): Row {
  const values = Object.entries(Object(parseKeepingDigits(json)))
  return Object.fromEntries(
    values
      .filter(([name]) => !name.startsWith('_'))
      .map(([name, value]) => [name, JSON.isRawJSON(value) ? value.rawJSON : toPlain(value)]),
  ) as Row
}
