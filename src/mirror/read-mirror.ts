import { type SelectQueryBuilder, sql } from 'kysely'
import type { JobContext } from '../definitions/define-job.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import type { Session } from '../gate/session.ts'
import { parseKeepingDigits } from '../json/exact-numbers.ts'
import { parseJson } from '../json/parse-json.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { ChangedTable } from './changed-table.ts'

/** The rows of one mirror table under the name `rows`, for `where`, `orderBy`, `limit` and `offset` of Kysely. */
export type MirrorQuery<Row> = SelectQueryBuilder<WorkerTables & { rows: Row }, 'rows', object>

/**
 * The rows that a pull, or `mirrorRows`, has mirrored for this account, without those that are marked as deleted. Their values are
 * as in the API's own JSON: instants in ISO 8601, and digits that a JavaScript number would lose as text. They are held in memory
 * all at once: read a large table in pieces.
 *
 * @param table `mirror` of a pull, or what `mirrorRows` defined
 * @param options.query narrows and orders what is read
 * @param options.withDeleted rows that are marked as deleted too; default false
 * @returns none before the table's first run
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
    .select(sql<string>`row_to_json(rows)::text`.as('json'))
    .execute()
    .catch((error: unknown) => {
      // Before the first run of its job there is no table.
      if (sqlStateOf(error) === '42P01') return []
      throw error
    })
  return found.map(({ json }) => toRow<Row>(json))
}

/** The mirror's own columns begin with an underscore, which no other does. */
function toRow<Row>(json: string): Row {
  const values = Object.entries(Object(parseKeepingDigits(json)))
  return Object.fromEntries(
    values.filter(([name]) => !name.startsWith('_')).map(([name, value]) => [name, withPlainNumbers(value)]),
  ) as Row
}

function withPlainNumbers(value: unknown): unknown {
  if (JSON.isRawJSON(value)) return value.rawJSON
  return typeof value === 'object' && value !== null ? parseJson(JSON.stringify(value)) : value
}
