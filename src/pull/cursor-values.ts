/* Values of cursors as text, computed without rounding. */

/** In milliseconds since the Unix epoch; a value without a zone counts as UTC. NaN if unreadable. */
export function instantOf(text: string | undefined): number {
  if (text === undefined) return Number.NaN
  if (text === '-infinity' || text.endsWith(' BC')) return Number.NEGATIVE_INFINITY
  if (text === 'infinity' || /^\d{5}/.test(text)) return Number.POSITIVE_INFINITY
  const isDate = text.length <= 10
  return Date.parse(isDate || /(?:[zZ]|[+-]\d\d(?::?\d\d)?)$/.test(text) ? text : `${text}Z`)
}

const yearOne = Date.parse('0001-01-01T00:00:00Z')

/** Undefined before the year 1, whose instants JavaScript and Postgres write differently. */
export function instantText(instant: number): string | undefined {
  return instant >= yearOne ? new Date(instant).toISOString() : undefined
}

export function localText(instant: number, type: string): string | undefined {
  const text = instantText(instant)
  return type === 'date' ? text?.slice(0, 10) : text?.slice(0, -1)
}

/** RFC 9562, section 5.7: 48 bits of milliseconds since the Unix epoch, followed by the version. */
export function isVersion7(uuid: string): boolean {
  return uuid[14] === '7'
}

export function uuidInstant(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16)
}

export function uuidText(instant: number): string {
  const time = Math.max(0, instant).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`
}

export function isFiniteNumber(text: string): boolean {
  return /^-?\d/.test(text)
}

/** The difference of decimal texts of any length, rounded down: JavaScript's numbers would lose a bigint's last digits. */
export function subtract(high: string, lookback: number): string {
  // Only binary fractions are written like this, and they have no more digits than JavaScript's numbers.
  if (/e/i.test(high)) return String(Number(high) - lookback)
  const [whole = '0', fraction] = high.split('.')
  const floor = BigInt(whole) - (fraction && high.startsWith('-') ? 1n : 0n)
  return (floor - BigInt(Math.ceil(lookback))).toString()
}
