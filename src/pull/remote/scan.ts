import type { NamingConvention } from '../../hasura/scalars.ts'
import { parseKeepingDigits } from '../../json/exact-numbers.ts'
import type { Position } from '../../store/schema.ts'
import { requireDistinct } from './distinct-doubles.ts'

/** A `where` of Hasura: which rows a page may have. */
export type Where = { readonly [field: string]: unknown }

/** The columns that define each row's place: a cursor followed by the key, or only the key. */
export interface ScanOrder {
  readonly columns: readonly string[]
  /** The API's names of columns that have an alias in the document. */
  readonly fields?: ReadonlyMap<string, string>
  /** The columns whose values are sent as numbers, because their scalar accepts no text. */
  readonly sentAsNumbers: ReadonlySet<string>
  /** The same for booleans. */
  readonly sentAsBooleans?: ReadonlySet<string>
  /** The columns of decimals that the API compares as doubles. */
  readonly comparedAsDoubles?: ReadonlySet<string>
  /** How the values of a column compare; unknown for columns not listed. */
  readonly comparisons?: ReadonlyMap<string, Compare>
  /** Default: those of Hasura's naming convention `hasura-default`. */
  readonly directions?: Directions
}

/** Less than 0 if `a` comes first, more than 0 if `b` does, 0 if they are equal; undefined if that isn't certain here. */
export type Compare = (a: string, b: string) => number | undefined

interface Directions {
  readonly ascending: string
  readonly descending: string
  readonly descendingNullsLast: string
}

const inSmallLetters: Directions = { ascending: 'asc', descending: 'desc', descendingNullsLast: 'desc_nulls_last' }

/** Data connectors have no direction that says where nulls are. */
const withoutNullsLast: Directions = { ...inSmallLetters, descendingNullsLast: 'desc' }

/** The API's names for the directions of an order. */
export const directions: Readonly<Record<NamingConvention, Directions>> = {
  'hasura-default': inSmallLetters,
  'graphql-default': { ascending: 'ASC', descending: 'DESC', descendingNullsLast: 'DESC_NULLS_LAST' },
  mssql: inSmallLetters,
  bigquery: inSmallLetters,
  'data-connector': withoutNullsLast,
  mongodb: withoutNullsLast,
}

/** Rows in the order of the first column, ties in the order of the following ones. */
export function orderBy(order: ScanOrder): readonly Record<string, string>[] {
  const { columns, directions: { ascending } = directions['hasura-default'] } = order
  return columns.map(column => ({ [fieldOf(order, column)]: ascending }))
}

/** The row with the greatest first column first. With nulls last, the API's database couldn't use an index. */
export function greatestFirst(order: ScanOrder, nulls: 'first' | 'last'): readonly Record<string, string>[] {
  const { columns, directions: { descending, descendingNullsLast } = directions['hasura-default'] } = order
  const direction = nulls === 'first' ? descending : descendingNullsLast
  return columns.slice(0, 1).map(column => ({ [fieldOf(order, column)]: direction }))
}

/** The same for two rows. */
export function compareRows({ columns, comparisons }: ScanOrder, a: Position, b: Position): number | undefined {
  for (const [at, column] of columns.entries()) {
    const compared = comparisons?.get(column)?.(a[at] ?? '', b[at] ?? '')
    if (compared !== 0) return compared
  }
  return 0
}

/**
 * The rows strictly after a position. The outer `_gte` lets the database use an index on the first column; the alternatives skip
 * the ties: `(a > A) or (a = A and b > B) or (a = A and b = B and c > C)`.
 */
export function behind(order: ScanOrder, position: Position): Where {
  return compare(order, position, '_gt', '_gt', '_gte')
}

/** The rows up to and including a position. */
function upTo(order: ScanOrder, position: Position): Where {
  return compare(order, position, '_lt', '_lte', '_lte')
}

/** The rows strictly after one position and up to another, if given. */
export function between(order: ScanOrder, from: Position | undefined, to: Position | undefined): Where {
  return allOf(from && behind(order, from), to && upTo(order, to))
}

/** @throws PermanentError (`digits-in-order`) */
function compare(order: ScanOrder, position: Position, strict: string, last: string, outer: string): Where {
  const { columns, comparedAsDoubles } = order
  const values = columns.map((column, index) => {
    if (comparedAsDoubles?.has(column)) requireDistinct(column, position[index] ?? '')
    return sentValue(order, column, position[index])
  })
  const fields = columns.map(column => fieldOf(order, column))
  const [first = '', ...others] = fields
  if (others.length === 0) return { [first]: { [last]: values[0] } }
  const alternatives = fields.map((field, index) => ({
    ...Object.fromEntries(fields.slice(0, index).map((equal, at) => [equal, { _eq: values[at] }])),
    [field]: { [index === fields.length - 1 ? last : strict]: values[index] },
  }))
  return { [first]: { [outer]: values[0] }, _or: alternatives }
}

/** The rows from a lower bound of the first column. */
export function from(order: ScanOrder, bound: string): Where {
  return boundOf(order, '_gte', bound)
}

/** The rows below an upper bound of the first column. */
export function below(order: ScanOrder, bound: string): Where {
  return boundOf(order, '_lt', bound)
}

function boundOf(order: ScanOrder, operator: string, bound: string): Where {
  const [first = ''] = order.columns
  return { [fieldOf(order, first)]: { [operator]: sentValue(order, first, bound) } }
}

/** Firewalls refuse bodies above 8 KB (AWS WAF's default); document and filter of the job need a part of them. */
const mostBytesOfKeys = 5_000

/** The rows with these keys, for a query each. */
export function among(key: ScanOrder, keys: readonly Position[]): readonly Where[] {
  const where = amongAll(key, keys)
  if (keys.length <= 1 || Buffer.byteLength(JSON.stringify(where)) <= mostBytesOfKeys) return [where]
  const half = Math.ceil(keys.length / 2)
  return [...among(key, keys.slice(0, half)), ...among(key, keys.slice(half))]
}

function amongAll(key: ScanOrder, keys: readonly Position[]): Where {
  const [first = '', ...others] = key.columns
  if (others.length === 0) {
    return { [fieldOf(key, first)]: { _in: keys.map(values => sentValue(key, first, values[0])) } }
  }
  return {
    _or: keys.map(values =>
      Object.fromEntries(
        key.columns.map((column, at) => [fieldOf(key, column), { _eq: sentValue(key, column, values[at]) }]),
      ),
    ),
  }
}

/** The conjunction of all these. */
export function allOf(...wheres: readonly (Where | undefined)[]): Where {
  const given = wheres.filter(where => where !== undefined && Object.keys(where).length > 0)
  const [only = {}] = given
  return given.length > 1 ? { _and: given } : only
}

function fieldOf({ fields }: ScanOrder, column: string): string {
  return fields?.get(column) ?? column
}

/**
 * A value as a variable. Numbers are written digit by digit. `NaN` and `Infinity`, which JSON can't write as numbers, are text, as
 * Hasura accepts them for every Postgres column (`parsePGValue` in its source).
 */
function sentValue(order: ScanOrder, column: string, text = ''): unknown {
  if (order.sentAsBooleans?.has(column)) return text === 'true'
  return order.sentAsNumbers.has(column) && isJsonNumber(text) ? parseKeepingDigits(text) : text
}

/** RFC 8259, section 6. */
function isJsonNumber(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)
}
