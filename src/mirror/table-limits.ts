import type { Explanation } from '../errors.ts'
import { ownColumns } from './mirror-table.ts'

/** As the API describes it: a column of a row that is to be mirrored. */
interface MirroredColumn {
  readonly name: string
  /** As Postgres writes it out in full. */
  readonly type: string
  readonly nullable: boolean
}

/** Of a table, whatever their types are (PostgreSQL docs, appendix K "PostgreSQL Limits"). */
const mostColumns = 1600 - ownColumns.size
/** Of an index, of which the account is one. */
const mostKeyColumns = 32 - 1
/** Of a row on a page of 8 kB; what has a type of variable length may stand elsewhere, and leaves a pointer of 18 bytes. */
const mostRowBytes = 8160
const pointerBytes = 18

/** What of a table can't be kept in the mirror, whatever its rows hold; in sentences with the column, the limit and a remedy. */
export function findTableProblems(columns: readonly MirroredColumn[], key: readonly string[]): readonly Explanation[] {
  const least = leastRowBytes(columns)
  return [
    ...(columns.length > mostColumns
      ? [
          {
            found: `${columns.length} columns are selected, and a mirror table has room for ${mostColumns}`,
            remedy: 'select fewer',
          },
        ]
      : []),
    ...(key.length === 0
      ? [{ found: 'there is no key', remedy: 'choose columns that tell a row from all others' }]
      : []),
    ...(key.length > mostKeyColumns
      ? [
          {
            found: `the key has ${key.length} columns, and an index has room for ${mostKeyColumns}`,
            remedy: 'choose fewer',
          },
        ]
      : []),
    ...(least > mostRowBytes
      ? [
          {
            found: `a row takes ${least} bytes at least, and Postgres has room for ${mostRowBytes}`,
            remedy: `select fewer of the columns that are never null, of which ${countFixed(columns)} have a type of fixed length`,
          },
        ]
      : []),
  ]
}

/** What can't be kept of some rows: they end a run, and others are mirrored. Undefined where every row finds room. */
export function findRowRisk(columns: readonly MirroredColumn[]): Explanation | undefined {
  const most = mostBytes(columns)
  if (most <= mostRowBytes) return undefined
  return {
    found: `a row with a value in each of the ${columns.length} columns may take ${most} bytes, and a run that meets one of more than ${mostRowBytes} fails`,
    remedy: 'select fewer columns',
  }
}

function leastRowBytes(columns: readonly MirroredColumn[]): number {
  return rowBytes(
    columns.filter(({ nullable }) => !nullable).map(({ type }) => fixedLengths[type] ?? [1, 1]),
    columns.length,
  )
}

function mostBytes(columns: readonly MirroredColumn[]): number {
  return rowBytes(
    columns.map(({ type }) => fixedLengths[type] ?? [pointerBytes, 1]),
    columns.length,
  )
}

function countFixed(columns: readonly MirroredColumn[]): number {
  return columns.filter(({ nullable, type }) => !nullable && fixedLengths[type]).length
}

type Length = readonly [bytes: number, alignment: number]

/** `pg_type`: `typlen` and `typalign`. */
const fixedLengths: Readonly<Record<string, Length>> = {
  smallint: [2, 2],
  integer: [4, 4],
  bigint: [8, 8],
  real: [4, 4],
  'double precision': [8, 8],
  boolean: [1, 1],
  uuid: [16, 1],
  date: [4, 4],
  'time without time zone': [8, 8],
  'time with time zone': [12, 8],
  'timestamp without time zone': [8, 8],
  'timestamp with time zone': [8, 8],
  interval: [16, 8],
}

/** The header with a bit for each column, the account's name of one letter, the values, and then our own columns. */
function rowBytes(values: readonly Length[], columns: number): number {
  const header = align(23 + Math.ceil((columns + ownColumns.size) / 8), 8)
  const own: Length[] = [
    [8, 8],
    [8, 8],
  ]
  return [[2, 1] as const, ...values, ...own].reduce((at, [bytes, alignment]) => align(at, alignment) + bytes, header)
}

function align(at: number, alignment: number): number {
  return Math.ceil(at / alignment) * alignment
}
