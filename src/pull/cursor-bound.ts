/*
 * Where the next scan has to begin, for each type that a cursor can have. It may read rows again, but it must not begin behind
 * one that the scans before it can't have seen.
 */
import type { Checkpoint } from './checkpoint.ts'

/**
 * `instant`: with a zone. `local`: a date or time as some wall shows it, nobody says where. `number`: grows by units. `uuid`:
 * of version 7 it begins with an instant. `order`: can be compared and nothing else.
 */
export type CursorKind = 'instant' | 'local' | 'number' | 'uuid' | 'order'

export interface BoundedCursor {
  /** The Postgres type of its column. */
  readonly type: string
  readonly kind: CursorKind
  /** Seconds where it holds an instant, units of a number; nothing else can be looked back from. */
  readonly lookback: number
}

const kinds: Readonly<Record<string, CursorKind | 'none'>> = {
  'timestamp with time zone': 'instant',
  'timestamp without time zone': 'local',
  date: 'local',
  smallint: 'number',
  integer: 'number',
  bigint: 'number',
  numeric: 'number',
  real: 'number',
  'double precision': 'number',
  uuid: 'uuid',
  // Begin again every night.
  'time without time zone': 'none',
  'time with time zone': 'none',
  boolean: 'none',
  json: 'none',
  jsonb: 'none',
}

/** @returns undefined for a type whose values can't grow with every change */
export function findCursorKind(columnType: string): CursorKind | undefined {
  const kind = kinds[columnType] ?? 'order'
  return kind === 'none' ? undefined : kind
}

const hourSeconds = 3_600

/** Clocks on earth show from 12 hours less than UTC to 14 hours more. */
const behindUtcSeconds = 12 * hourSeconds
const aheadOfUtcSeconds = 14 * hourSeconds

/** Longer than transactions usually are. */
const transactionSeconds = 300

/**
 * Of a cursor without a zone it covers every zone, so that it doesn't matter in which of them rows are written, nor that clocks
 * are put back in autumn.
 */
export const defaultLookback: Readonly<Record<CursorKind, number>> = {
  instant: transactionSeconds,
  local: behindUtcSeconds + transactionSeconds,
  uuid: transactionSeconds,
  number: 0,
  order: 0,
}

/**
 * When a read began, to be remembered as `scannedAt`: the remote time, unless that is ahead of the store's. Whichever of the two
 * clocks is wrong, beginning too early costs rows that are read again, and too late rows that are never seen.
 *
 * @param serverDate the API's own time, in milliseconds; undefined when it doesn't say
 * @param openedAt the store's time when the run began, in milliseconds
 */
export function beganAt(serverDate: number | undefined, openedAt: number): string {
  return new Date(Math.min(serverDate ?? openedAt, openedAt)).toISOString()
}

/**
 * The least cursor that a new scan has to ask for; undefined for all rows.
 *
 * - With a zone: the time at which the last complete scan began, less the lookback, since a transaction that was open then has
 *   committed rows with an older time. Rows don't move it.
 * - Without a zone, and of a UUID of version 7: that time or the greatest value seen, whichever is earlier, less the lookback.
 *   The values may be far behind any clock; and the clock keeps one from the near future from hiding others.
 * - Of numbers: the greatest one seen, less the lookback. Of anything else: the greatest one seen.
 */
export function lowerBound(
  { kind, type, lookback }: BoundedCursor,
  { high, scannedAt }: Pick<Checkpoint, 'high' | 'scannedAt'>,
): string | undefined {
  if (scannedAt === undefined) return undefined
  const scanned = Date.parse(scannedAt)
  const lookbackMs = lookback * 1_000
  if (kind === 'instant') return new Date(scanned - lookbackMs).toISOString()
  if (high === undefined) return undefined
  switch (kind) {
    case 'local':
      return localText(Math.min(scanned, instantOf(high)) - lookbackMs, type)
    case 'number':
      return isFiniteNumber(high) ? subtract(high, lookback) : undefined
    case 'uuid':
      return isVersion7(high) ? uuidText(Math.min(scanned, uuidInstant(high)) - lookbackMs) : high
    case 'order':
      return high
  }
}

/**
 * The least cursor that a scan that was rung for has to ask for: the greatest one seen, so that steady traffic costs what has changed.
 * One from the future would hide everything else until then, so such a scan begins where the last scheduled one did.
 *
 * @param now the store's time in milliseconds
 */
export function rungBound(
  cursor: BoundedCursor,
  { high, rungHigh = high, scannedAt }: Pick<Checkpoint, 'high' | 'rungHigh' | 'scannedAt'>,
  now: number,
): string | undefined {
  const { kind } = cursor
  if (rungHigh === undefined || (kind === 'number' && !isFiniteNumber(rungHigh))) return undefined
  if (kind === 'instant' && !(instantOf(rungHigh) <= now)) return scannedAt
  if (kind === 'uuid' && isVersion7(rungHigh) && uuidInstant(rungHigh) > now) {
    return lowerBound({ ...cursor, lookback: 0 }, { high, scannedAt })
  }
  return rungHigh
}

/**
 * Whether a value may be taken for the greatest one seen. Behind one from the future, and behind `NaN`, `Infinity` and the greatest
 * integer of its type, which many write for "for ever", nothing would be found again.
 *
 * @param now in milliseconds
 */
export function movesBound({ kind, type }: BoundedCursor, value: string, now: number): boolean {
  if (kind === 'local') return instantOf(value) <= now + aheadOfUtcSeconds * 1_000
  return kind !== 'number' || (isFiniteNumber(value) && value !== greatestIntegers[type])
}

const greatestIntegers: Readonly<Record<string, string>> = {
  smallint: '32767',
  integer: '2147483647',
  bigint: '9223372036854775807',
}

/** The least value, as the cursor's own type writes it, that is certainly from the future; for cursors without a zone. */
export function beginningOfFuture({ kind, type }: BoundedCursor, now: number): string | undefined {
  return kind === 'local' ? localText(now + aheadOfUtcSeconds * 1_000 + 1, type) : undefined
}

/**
 * Whether a scan may end with a page that held all there was, though something may follow by now: the next one must be sure to
 * find it, and must have come further than this one.
 *
 * @param last the page's last cursor
 * @param high the greatest one seen so far, and before the scan
 */
export function mayEndAt(
  { kind }: BoundedCursor,
  last: string,
  { high, highBefore, scanStartedAt }: Readonly<Record<'high' | 'highBefore' | 'scanStartedAt', string | undefined>>,
): boolean {
  if (kind === 'instant') return instantOf(last) > instantOf(scanStartedAt)
  if (kind === 'local') return instantOf(high) > instantOf(highBefore)
  return kind === 'number' && Number(high) > Number(highBefore)
}

/** In milliseconds since 1970; what has no zone is taken for UTC. NaN for what can't be read. */
export function instantOf(text: string | undefined): number {
  if (text === undefined) return Number.NaN
  if (text === '-infinity' || text.endsWith(' BC')) return Number.NEGATIVE_INFINITY
  if (text === 'infinity' || /^\d{5}/.test(text)) return Number.POSITIVE_INFINITY
  const isDate = text.length <= 10
  return Date.parse(isDate || /(?:[zZ]|[+-]\d\d(?::?\d\d)?)$/.test(text) ? text : `${text}Z`)
}

const yearOne = Date.parse('0001-01-01T00:00:00Z')

function localText(instant: number, type: string): string | undefined {
  if (!(instant >= yearOne)) return undefined
  const text = new Date(instant).toISOString()
  return type === 'date' ? text.slice(0, 10) : text.slice(0, -1)
}

/** RFC 9562, section 5.7: 48 bits of milliseconds since 1970, and the version behind them. */
function isVersion7(uuid: string): boolean {
  return uuid[14] === '7'
}

function uuidInstant(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)
}

function uuidText(instant: number): string {
  const time = Math.max(0, instant).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

function isFiniteNumber(text: string): boolean {
  return /^-?\d/.test(text)
}

/** Of decimal texts of any length, rounded down: a bigint's last digits don't survive JavaScript's numbers. */
function subtract(high: string, lookback: number): string {
  // Only a binary fraction is written so, and it has no more digits than JavaScript's numbers.
  if (/e/i.test(high)) return String(Number(high) - lookback)
  const [whole = '0', fraction] = high.split('.')
  const floor = BigInt(whole) - (fraction && high.startsWith('-') ? 1n : 0n)
  return (floor - BigInt(Math.ceil(lookback))).toString()
}
