import type { SelectedColumn } from '../hasura/read-selection.ts'
import { findCursorKind } from './cursor-bound.ts'
import { instantOf } from './cursor-values.ts'
import type { Compare } from './remote/scan.ts'

/**
 * How two values of a column compare in the API's database, as far as that is certain here: text has a collation there, an enum
 * the order of its declaration, and SQL Server's GUIDs their own order.
 */
export function findComparison({
  type,
  comparedAs = type,
  scalar,
}: Pick<SelectedColumn, 'type' | 'comparedAs' | 'scalar'>): Compare {
  switch (findCursorKind(comparedAs)) {
    case 'number':
      return mayLookEqual(type, scalar) ? byNumber : orEqual(byNumber)
    case 'instant':
    case 'local':
      return orEqual(byInstant)
    case 'uuid':
      return orEqual(scalar?.toLowerCase() === 'uuid' ? byHex : unknown)
    default:
      return orEqual(unknown)
  }
}

/** Equal texts mean equal values. Different texts may be equal values too, and then their order is unknown. */
function orEqual(compare: Compare): Compare {
  return (a, b) => (a === b ? 0 : compare(a, b))
}

/**
 * If a database writes fewer digits than the value has, different values can look the same: Postgres before 12, and SQL Server, where a
 * `Float` may also be a decimal and is mirrored as one.
 */
function mayLookEqual(type: string, scalar: string | undefined): boolean {
  return type === 'real' || type === 'double precision' || scalar === 'Float'
}

const unknown: Compare = () => undefined

const byNumber: Compare = (a, b) =>
  isInteger(a) && isInteger(b) ? bySize(BigInt(a), BigInt(b)) : bySize(Number(a), Number(b))

const byInstant: Compare = (a, b) => {
  const [first, second] = [instantOf(a), instantOf(b)]
  // Years before 1 and after 9999 all count as infinite here.
  return first === second && Number.isFinite(first) ? bySize(fractionOf(a), fractionOf(b)) : bySize(first, second)
}

/** Fractions of a second, up to nanoseconds; a Date has only milliseconds. */
function fractionOf(text: string): string {
  return (/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(9, '0')
}

const byHex: Compare = (a, b) => bySize(a.toLowerCase(), b.toLowerCase())

function isInteger(text: string): boolean {
  return /^-?\d+$/.test(text)
}

/** Undefined also for unreadable values and NaN. */
function bySize<T extends number | bigint | string>(a: T, b: T): number | undefined {
  if (a < b) return -1
  return a > b ? 1 : undefined
}
