/*
 * Where the next scan must start, for each type of cursor. It may read rows again, but it must not start after a row that earlier
 * scans can't have seen.
 */
import type { Checkpoint } from './checkpoint.ts'
import {
  instantOf,
  instantText,
  isFiniteNumber,
  isVersion7,
  localText,
  subtract,
  uuidInstant,
  uuidText,
} from './cursor-values.ts'

/**
 * `instant`: with a zone. `local`: a date or time without one. `number`: grows by units. `uuid`: version 7 starts with an instant. `order`: can only be compared.
 */
export type CursorKind = 'instant' | 'local' | 'number' | 'uuid' | 'order'

export interface BoundedCursor {
  /** The Postgres type of its column. */
  readonly type: string
  readonly kind: CursorKind
  /** Seconds for an instant, units for a number; other types have no lookback. Undefined: the default. */
  readonly lookback: number | undefined
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
  // These start again every night.
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

/** Time zones range from 12 hours behind UTC to 14 hours ahead. */
const behindUtcSeconds = 12 * hourSeconds
const aheadOfUtcSeconds = 14 * hourSeconds

/** Longer than most transactions. */
const transactionSeconds = 300

/** For a cursor without a zone it covers every zone, whatever the writers' zones are, and the change from summer time. */
const defaultLookback: Readonly<Record<CursorKind, number>> = {
  instant: transactionSeconds,
  local: behindUtcSeconds + transactionSeconds,
  uuid: transactionSeconds,
  number: 0,
  order: 0,
}

/**
 * When a read started, stored as `scannedAt`: the remote time, unless that is ahead of the store's. If one of the clocks is
 * wrong, starting too early reads rows again, while starting too late misses rows.
 *
 * @param serverDate the API's time in milliseconds; undefined if it doesn't send one
 * @param openedAt the store's time when the run started, in milliseconds
 */
export function beganAt(serverDate: number | undefined, openedAt: number): string {
  return new Date(Math.min(serverDate ?? openedAt, openedAt)).toISOString()
}

/**
 * Whether the last scan started in the future: the API's clock and the store's were ahead then. It can't be told what has changed since,
 * and from that time on nothing would be found until it has come.
 *
 * @param now the store's time in milliseconds
 */
export function isFromFuture(
  { kind }: BoundedCursor,
  { scannedAt }: Pick<Checkpoint, 'scannedAt'>,
  now: number,
): boolean {
  return kind !== 'number' && kind !== 'order' && Date.parse(scannedAt ?? '') > now
}

/**
 * The least cursor that a new scan must request; undefined for all rows.
 *
 * - With a zone: the time at which the last complete scan started, less the lookback, because a transaction that was open then
 *   may have committed rows with an older time. Rows don't affect it.
 * - Without a zone, and for a UUID of version 7: that time or the greatest value seen, whichever is earlier, less the lookback.
 *   Values may be far behind any clock, and the clock keeps a value from the near future from hiding others.
 * - Numbers: the greatest one seen, less the lookback. Anything else: the greatest one seen.
 *
 * @param now the store's time in milliseconds
 */
export function lowerBound(
  cursor: BoundedCursor,
  checkpoint: Pick<Checkpoint, 'high' | 'scannedAt'>,
  now: number,
): string | undefined {
  const { kind, type, lookback = defaultLookback[kind] } = cursor
  const { high, scannedAt } = checkpoint
  if (scannedAt === undefined || isFromFuture(cursor, checkpoint, now)) return undefined
  const scanned = Date.parse(scannedAt)
  const lookbackMs = lookback * 1_000
  if (kind === 'instant') return instantText(scanned - lookbackMs)
  if (high === undefined) return undefined
  switch (kind) {
    case 'local': {
      const seen = instantOf(high)
      // The default covers every zone before the scan, but not before the values seen: all of a table that was filled within that time,
      // and then rests, would be read by each scan.
      const sinceSeen = cursor.lookback === undefined ? transactionSeconds * 1_000 : lookbackMs
      return localText(Math.min(scanned - lookbackMs, seen - sinceSeen), type)
    }
    case 'number':
      return isFiniteNumber(high) ? subtract(high, lookback) : undefined
    case 'uuid':
      return isVersion7(high) ? uuidText(Math.min(scanned, uuidInstant(high)) - lookbackMs) : high
    case 'order':
      return high
  }
}

/**
 * The least cursor that a scan requested by a doorbell must read: the greatest one seen, so that its cost depends only on what
 * has changed. A cursor from the future would hide everything until then, so in that case the scan starts where the last
 * scheduled one did.
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
    return lowerBound({ ...cursor, lookback: 0 }, { high, scannedAt }, now)
  }
  return rungHigh
}

/**
 * Whether a value may count as the greatest one seen. After one from the future, or after `NaN`, `Infinity` or the greatest integer
 * of its type, which some systems write for "forever", no scan would find anything.
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

/** The least value, in the cursor's own format, that is certainly in the future; for cursors without a zone. */
export function beginningOfFuture({ kind, type }: BoundedCursor, now: number): string | undefined {
  return kind === 'local' ? localText(now + aheadOfUtcSeconds * 1_000 + 1, type) : undefined
}

/**
 * Whether a scan may end with a page that held everything there was, although more may follow by now: the next scan must be
 * certain to find it, and must get further than this one.
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

/** The Postgres type by which the store may compare two values; undefined if only the API knows their order, as that of text. */
export function comparableAs({ kind, type }: BoundedCursor): string | undefined {
  return kind === 'order' ? undefined : type
}
