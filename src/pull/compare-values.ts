import type { SelectedColumn } from '../hasura/read-selection.ts'
import { findCursorKind, instantOf } from './cursor-bound.ts'
import type { Compare } from './remote/scan.ts'

/**
 * How two values of a column compare in the API's database, as far as that is certain from here: texts have a collation there, an
 * enum the order of its declaration, SQL Server's GUIDs one of their own.
 */
export function findComparison({
  type,
  comparedAs = type,
  scalar,
}: Pick<SelectedColumn, 'type' | 'comparedAs' | 'scalar'>): Compare {
  switch (findCursorKind(comparedAs)) {
    case 'number':
      return isBinaryFraction(type) ? byNumber : orEqual(byNumber)
    case 'instant':
    case 'local':
      return orEqual(byInstant)
    case 'uuid':
      return orEqual(scalar?.toLowerCase() === 'uuid' ? byHex : unknown)
    default:
      return orEqual(unknown)
  }
}

/** Equal texts stand for equal values; different ones may, and then it isn't known which is first. */
function orEqual(compare: Compare): Compare {
  return (a, b) => (a === b ? 0 : compare(a, b))
}

/** Written with fewer digits than they have, different ones can look the same (Postgres before 12, SQL Server). */
function isBinaryFraction(type: string): boolean {
  return type === 'real' || type === 'double precision'
}

const unknown: Compare = () => undefined

const byNumber: Compare = (a, b) =>
  isInteger(a) && isInteger(b) ? bySize(BigInt(a), BigInt(b)) : bySize(Number(a), Number(b))

const byInstant: Compare = (a, b) => {
  const [first, second] = [instantOf(a), instantOf(b)]
  // Years before 1 and after 9999 are all infinite here.
  return first === second && Number.isFinite(first) ? bySize(fractionOf(a), fractionOf(b)) : bySize(first, second)
}

/** Of a second, up to nanoseconds; an instant has milliseconds alone. */
function fractionOf(text: string): string {
  return (/\.(\d+)/.exec(text)?.[1] ?? '').padEnd(9, '0')
}

const byHex: Compare = (a, b) => bySize(a.toLowerCase(), b.toLowerCase())

function isInteger(text: string): boolean {
  return /^-?\d+$/.test(text)
}

/** Undefined also for what can't be read, and is NaN. */
function bySize<T extends number | bigint | string>(a: T, b: T): number | undefined {
  if (a < b) return -1
  return a > b ? 1 : undefined
}
