import { sql } from 'kysely'
import { ConfigError, PermanentError } from '../errors.ts'
import { inPlace } from '../explanation.ts'
import { rowsOf } from '../hasura/rows.ts'
import type { FencedTransaction } from '../store/store.ts'
import { findColumnNameProblem, findTableNameProblem } from './column-name.ts'
import { ensureMirrorTable, type MirrorTable } from './mirror-table.ts'
import { keysOf, sameKey } from './page-rows.ts'
import { findTableProblems } from './table-limits.ts'
import { explainWriteFailure, findRefusedColumn } from './write-failure.ts'
import { markDeleted, mergePage, type WrittenRows } from './write-page.ts'

/** The JavaScript type for each column type. Pass a number as text if JavaScript would round it. */
interface ColumnTypes {
  readonly text: string
  readonly uuid: string
  readonly boolean: boolean
  readonly integer: number
  readonly bigint: number | string
  readonly numeric: number | string
  readonly 'double precision': number
  readonly date: string
  /** ISO 8601. */
  readonly 'timestamp with time zone': string
  /** Any JSON value. */
  readonly jsonb: unknown
}

export type ColumnType = keyof ColumnTypes

/** A row to mirror. Every column is required; null means no value. */
export type MirrorRow<C extends Columns> = { readonly [N in keyof C]: ColumnTypes[C[N]] | null }

/** Names that start with an underscore are reserved for the mirror. */
type Columns = Readonly<Record<string, ColumnType>> & { readonly [name: `_${string}`]: never }

/** A table in schema `mirror` for rows that don't come from Hasura. */
export interface MirrorRows<R> {
  /** The table's name, for the job's `into`. */
  readonly into: string
  readonly key: readonly (keyof R & string)[]
  /** Never set: it carries the type of the rows. */
  readonly row?: R
  /**
   * Creates the table, or adds missing columns.
   *
   * @throws RefusalError (`mirror-table`)
   */
  ensure(tx: FencedTransaction): Promise<void>
  /**
   * Writes rows that have changed. If rows share a key, the last one is written.
   *
   * @throws PermanentError (`mirror-row`) for a row that the table can't hold
   */
  write(tx: FencedTransaction, account: string, rows: readonly R[]): Promise<WrittenRows>
  /**
   * The error with which these rows were refused, with the name of the column that refuses a value. It is searched for in transactions
   * of their own, because an error ends the one of `write`.
   */
  explain(
    error: unknown,
    rows: readonly R[],
    transaction: (work: (tx: FencedTransaction) => Promise<unknown>) => Promise<unknown>,
  ): Promise<unknown>
  /** The key of a row. */
  keyOf(row: R): RowKey
  /** The keys of the account's rows that aren't deleted and aren't in `keys`. */
  findOthers(tx: FencedTransaction, account: string, keys: readonly RowKey[]): Promise<readonly RowKey[]>
  /** Keeps the rows with these keys and sets their `_deleted_at`. */
  markDeleted(tx: FencedTransaction, account: string, keys: readonly RowKey[]): Promise<number>
}

/** The values of the key columns, in order, as text. Postgres may treat two spellings as equal. */
export type RowKey = readonly string[]

/**
 * Defines a mirror table by its columns. `_account`, `_synced_at`, `_deleted_at`, `_revived_at` and `_change` are added.
 *
 * @param options.key the column or columns that identify a row; never null
 * @throws ConfigError if Postgres can't have such a table
 * @example
 * import { mirrorRows } from 'hasura-sync-worker'
 *
 * export const orders = mirrorRows({
 *   into: 'orders',
 *   key: ['shop', 'number'],
 *   columns: { shop: 'text', number: 'bigint', paid: 'boolean' },
 * })
 */
export function mirrorRows<const C extends Columns>(options: {
  readonly into: string
  readonly key: (keyof C & string) | readonly (keyof C & string)[]
  readonly columns: C
}): MirrorRows<MirrorRow<C>> {
  const key = [options.key].flat()
  const columns = Object.entries(options.columns).map(([name, type]) => ({ name, type }))
  const table: MirrorTable = { name: options.into, columns, key }
  requireTable(table)
  const keyOf = (row: MirrorRow<C>): RowKey => key.map(column => String(row[column]))
  const explained = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw explainWriteFailure(error, table, undefined, ifRefused) ?? error
    })
  return {
    into: options.into,
    key,
    async ensure(tx) {
      await explained(ensureMirrorTable(tx, table))
    },
    async write(tx, account, rows) {
      // One statement can't write the same row twice.
      const last = await explained(findLast(tx, table, rows))
      return explained(mergePage(tx, table, account, rowsOf(rows.filter((_, at) => last.has(at)))))
    },
    async explain(error, rows, transaction) {
      if (!(error instanceof PermanentError)) return error
      const column = await findRefusedColumn(transaction, rowsOf(rows), columns, error.cause)
      return explainWriteFailure(error.cause, table, { column }, ifRefused) ?? error
    },
    keyOf,
    findOthers: (tx, account, keys) => findOthers(tx, table, account, keys),
    markDeleted: (tx, account, keys) => markDeleted(tx, table, account, keys),
  }
}

const ifRefused =
  'give the column another type under another name, change its values in the job (null where there is none), or correct the value at its source'

function requireTable({ name: table, columns, key }: MirrorTable): void {
  const name = findTableNameProblem(table)
  const problems = [
    ...(name === undefined ? [] : [{ found: `the name ${name}`, remedy: 'choose another name' }]),
    ...columns.flatMap(column => {
      const problem = findColumnNameProblem(column.name)
      return problem === undefined
        ? []
        : [{ found: `column ${JSON.stringify(column.name)} ${problem}`, remedy: 'choose another name' }]
    }),
    ...findTableProblems(
      columns.map(column => ({ ...column, nullable: !key.includes(column.name) })),
      key,
    ),
  ]
  if (problems.length > 0) {
    throw new ConfigError(problems.map(problem => inPlace(`Mirror table ${JSON.stringify(table)}`, problem)))
  }
}

/** Which rows are the last with their key. The database decides, because a key may have two spellings. */
async function findLast(
  tx: FencedTransaction,
  table: MirrorTable,
  rows: readonly Readonly<Record<string, unknown>>[],
): Promise<ReadonlySet<number>> {
  const key = sql.join(table.key.map(name => sql.ref(`page.${name}`)))
  const { rows: found } = await sql<{ at: number }>`
    select max(page._row) - 1 as at from ${keysOf(rowsOf(rows), table)} group by ${key}`.execute(tx)
  return new Set(found.map(({ at }) => at))
}

async function findOthers(
  tx: FencedTransaction,
  table: MirrorTable,
  account: string,
  keys: readonly RowKey[],
): Promise<readonly RowKey[]> {
  const records = keys.map(values => Object.fromEntries(table.key.map((column, index) => [column, values[index]])))
  const { rows } = await sql<{ key: string[] }>`
    select array[${sql.join(table.key.map(column => sql`${sql.ref(`m.${column}`)}::text`))}] as key
    from ${sql.table(`mirror.${table.name}`)} as m
    where m._account = ${account} and m._deleted_at is null
      and not exists (select from ${keysOf(rowsOf(records), table)} where ${sameKey(table)})
    order by 1`.execute(tx)
  return rows.map(row => row.key)
}
