import type { Explanation } from '../explanation.ts'
import { ownColumns } from './mirror-table.ts'

/** A column of a row to mirror, as the API describes it. */
interface MirroredColumn {
  readonly name: string
  /** The full name in Postgres. */
  readonly type: string
  readonly nullable: boolean
}

/** Columns of a table, whatever their types (PostgreSQL docs, appendix K "PostgreSQL Limits"). */
const mostColumns = 1600 - ownColumns.size
/** Columns of an index, less the account. */
const mostKeyColumns = 32 - 1
/**
 * Bytes of a row on a page of 8 kB. Values of a type with variable length may be stored elsewhere and leave a pointer of 18
 * bytes.
 */
const mostRowBytes = 8160
const pointerBytes = 18

/** What makes a table impossible to mirror, whatever its rows hold. */
export function findTableProblems(columns: readonly MirroredColumn[], key: readonly string[]): readonly Explanation[] {
  const least = leastRowBytes(columns)
  return [
    ...(columns.length > mostColumns
      ? [
          {
            found: `${columns.length} columns are selected, but a mirror table can have at most ${mostColumns}`,
            remedy: 'select fewer',
          },
        ]
      : []),
    ...(key.length === 0 ? [{ found: 'there is no key', remedy: 'choose columns that identify a row' }] : []),
    ...(key.length > mostKeyColumns
      ? [
          {
            found: `the key has ${key.length} columns, but an index can have at most ${mostKeyColumns}`,
            remedy: 'choose fewer',
          },
        ]
      : []),
    ...(least > mostRowBytes
      ? [
          {
            found: `a row takes at least ${least} bytes, but Postgres allows at most ${mostRowBytes}`,
            remedy: `select fewer of the columns that are never null: ${countFixed(columns)} of them have a type of fixed length`,
          },
        ]
      : []),
  ]
}

/** What makes some rows impossible to mirror, although others can be. Such a row fails its run. Undefined if every row fits. */
export function findRowRisk(columns: readonly MirroredColumn[]): Explanation | undefined {
  const most = mostBytes(columns)
  if (most <= mostRowBytes) return undefined
  return {
    found: `a row with a value in each of the ${columns.length} columns may take ${most} bytes, and a run fails at a row of more than ${mostRowBytes}`,
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

/** A header with one bit per column, an account name of one letter, the values, and then the mirror's own columns. */
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
