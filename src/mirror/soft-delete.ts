import { type RawBuilder, sql } from 'kysely'
import { ConfigError } from '../errors.ts'
import type { Rows } from '../hasura/rows.ts'
import { parseKeepingDigits, toPlain } from '../json/exact-numbers.ts'
import type { FencedTransaction } from '../store/store.ts'
import type { MirrorColumn, MirrorTable, SoftDelete } from './mirror-table.ts'

/** For each column type, the value of a row that isn't deleted, besides null. */
const alive: Readonly<Record<string, 'false' | '0' | 'infinity'>> = {
  boolean: 'false',
  smallint: '0',
  integer: '0',
  bigint: '0',
  numeric: '0',
  real: '0',
  'double precision': '0',
  date: 'infinity',
  'timestamp without time zone': 'infinity',
  'timestamp with time zone': 'infinity',
}

/** @throws ConfigError if the column's type doesn't tell which values mean deleted, and the job has no rule for it */
export function requireClear({ column, isDeleted }: SoftDelete, { type }: Pick<MirrorColumn, 'type'>): void {
  if (isDeleted || Object.hasOwn(alive, type)) return
  throw new ConfigError([
    {
      found: `softDelete: column "${column}" is ${type}, whose values don't show which rows are deleted`,
      remedy: `add a rule: { column: '${column}', isDeleted: value => … }`,
    },
  ])
}

/** For each row of a page, in its mirrored form, whether it is deleted. */
export function findDeleted(page: Rows, { columns }: MirrorTable, softDelete: SoftDelete): readonly boolean[] {
  const column = columns.find(({ name }) => name === softDelete.column)
  if (!column) return []
  const [head, ...steps] = column.path ?? [column.name]
  const values = page.column(head)
  const isDeleted = softDelete.isDeleted ?? ((value: unknown) => isDeletedByType(column.type, value))
  return Array.from({ length: page.count }, (_, row) => {
    const value = parseKeepingDigits(values?.text(row) ?? 'null')
    return isDeleted(toPlain(valueAt(value, steps)))
  })
}

/**
 * The same for the mirror's row `m`, as a condition.
 *
 * @param account whose rows are checked
 */
export async function isSoftDeleted(
  tx: FencedTransaction,
  { name, columns, softDelete }: MirrorTable,
  account: string,
): Promise<RawBuilder<unknown>> {
  const column = columns.find(each => each.name === softDelete?.column)
  if (!column || !softDelete) return sql`false`
  const value = sql.ref(`m.${column.name}`)
  const { isDeleted } = softDelete
  if (!isDeleted) return sql`coalesce(${value} <> ${sql.lit(alive[column.type] ?? '')}::${sql.raw(column.type)}, false)`
  const json = sql<string>`coalesce(to_jsonb(${value}), 'null')::text`
  const { rows } = await sql<{ json: string }>`
    select distinct ${json} as json from ${sql.table(`mirror.${name}`)} m
    where m._account = ${account} and m._deleted_at is not null`.execute(tx)
  const deleted = rows.filter(row => isDeleted(toPlain(parseKeepingDigits(row.json)))).map(row => row.json)
  return sql`${json} = any(${deleted}::text[])`
}

function isDeletedByType(type: string, value: unknown): boolean {
  if (value === null || value === undefined) return false
  const text = String(value)
  return alive[type] === '0' ? !/^-?[0.]+(?:e.*)?$/i.test(text) : text !== alive[type]
}

/** Ignores inherited properties: a column may be called `constructor`. */
function valueAt(value: unknown, steps: readonly string[]): unknown {
  return steps.reduce((inner: unknown, step) => {
    const isMember = typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step)
    return isMember ? (Reflect.get(inner, step) ?? null) : null
  }, value)
}
