import { sql } from 'kysely'
import { z } from 'zod'
import { NotFoundError } from '../errors.ts'
import { explainUnknown } from '../names/find-named.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { findPrimaryKey, requireMirrorTable } from './mirror-tables.ts'
import { defineOperation } from './operation.ts'
import { limitValue, nameValue } from './values.ts'

const mirrorRowsReportSchema = z.object({
  table: z.string(),
  /** Each the text of a JSON object, with every digit of the mirror. */
  rows: z.array(z.string()),
  hasMore: z.boolean(),
})
export type MirrorRowsReport = z.infer<typeof mirrorRowsReportSchema>

const wantedRowsSchema = z.object({
  /** With or without its schema. */
  table: nameValue,
  account: nameValue.optional(),
  limit: limitValue,
})

/** Rows of a mirror table. Only for users of the control socket, never over TCP. */
export const listMirrorRows = defineOperation({
  route: 'GET /rows',
  roles: [],
  input: wantedRowsSchema,
  output: mirrorRowsReportSchema,
  run: ({ deps }, wanted) => readRows(deps, wanted),
})

/**
 * Rows of a mirror table as the database writes them in JSON, in the order of the primary key.
 *
 * @throws NotFoundError if there is no such table or account; UsageError if its job has not run yet
 */
async function readRows(
  { store, jobs, accounts }: Pick<RunDeps, 'store' | 'jobs' | 'accounts'>,
  { table: wanted, account, limit }: z.output<typeof wantedRowsSchema>,
): Promise<MirrorRowsReport> {
  const table = await requireMirrorTable({ store, jobs }, wanted)
  const mirror = sql.id('mirror', table)
  const order = (await findPrimaryKey(store, table)).map(column => sql`r.${sql.id(column)}`)
  const { rows } = await sql<{ json: string }>`
    select row_to_json(r.*)::text as json from ${mirror} as r
    ${account === undefined ? sql`` : sql`where r._account = ${account}`}
    order by ${sql.join(order)} limit ${limit + 1}`.execute(store)
  // An account that is no longer configured may still have rows.
  if (rows.length === 0 && account !== undefined && !accounts.has(account)) {
    throw new NotFoundError(explainUnknown('account', account, accounts.keys()))
  }
  return { table, rows: rows.slice(0, limit).map(({ json }) => json), hasMore: rows.length > limit }
}
