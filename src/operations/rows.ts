import { sql } from 'kysely'
import { z } from 'zod'
import { NotFoundError, UsageError } from '../errors.ts'
import { findMirrorTables } from '../mirror/find-mirror-tables.ts'
import { explainUnknown } from '../names/find-named.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { Store } from '../store/store.ts'
import { defineOperation } from './operation.ts'
import { limitValue, nameValue } from './values.ts'

const mirrorRowsReportSchema = z.object({
  table: z.string(),
  /** Each the text of a JSON object, with every digit that the mirror has. */
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

/** Rows of a mirror table. For whoever may open the control socket, and never served over TCP. */
export const listMirrorRows = defineOperation({
  route: 'GET /rows',
  isPublic: false,
  input: wantedRowsSchema,
  output: mirrorRowsReportSchema,
  run: ({ deps }, wanted) => readRows(deps, wanted),
})

/**
 * Rows of a mirror table as the database writes them in JSON, in the order of the primary key.
 *
 * @throws NotFoundError when there is no such table, or no such account; UsageError when its job has not run yet
 */
async function readRows(
  { store, jobs, accounts }: Pick<RunDeps, 'store' | 'jobs' | 'accounts'>,
  { table: wanted, account, limit }: z.output<typeof wantedRowsSchema>,
): Promise<MirrorRowsReport> {
  const table = wanted.replace(/^mirror\./, '')
  const tables = await findMirrorTables(store)
  if (!tables.includes(table)) refuseUnknown(table, tables, jobs)
  const mirror = sql.id('mirror', table)
  const order = (await findPrimaryKey(store, table)).map(column => sql`r.${sql.id(column)}`)
  const { rows } = await sql<{ json: string }>`
    select row_to_json(r.*)::text as json from ${mirror} as r
    ${account === undefined ? sql`` : sql`where r._account = ${account}`}
    order by ${sql.join(order)} limit ${limit + 1}`.execute(store)
  // An account that is no longer configured may have left rows.
  if (rows.length === 0 && account !== undefined && !accounts.has(account)) {
    throw new NotFoundError(explainUnknown('account', account, accounts.keys()))
  }
  return { table, rows: rows.slice(0, limit).map(({ json }) => json), hasMore: rows.length > limit }
}

function refuseUnknown(table: string, tables: readonly string[], jobs: RunDeps['jobs']): never {
  const made = [...jobs.values()].map(({ name, into }) => ({ name, into: [into ?? []].flat() }))
  const job = made.find(({ name }) => name === table)
  if (job && job.into.length > 0) {
    throw new UsageError({ found: `"${table}" is a job`, remedy: `its rows are in ${job.into.join(', ')}` })
  }
  const maker = made.find(({ into }) => into.includes(table))
  if (maker) {
    throw new UsageError({
      found: `Mirror table "${table}" isn't there yet`,
      remedy: `${maker.name} makes it in its first run`,
    })
  }
  const names = new Set([...tables, ...made.flatMap(({ into }) => into)])
  throw new NotFoundError(explainUnknown('mirror table', table, names))
}

async function findPrimaryKey(store: Store, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select a.attname as name
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    cross join unnest(i.indkey) with ordinality as k (attnum, place)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where n.nspname = 'mirror' and c.relname = ${table} and i.indisprimary
    order by k.place`.execute(store)
  return rows.map(({ name }) => name)
}
