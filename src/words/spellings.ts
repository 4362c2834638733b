/** A character that can be read at a position, and where the text continues after it. */
interface Reading {
  readonly code: number
  readonly end: number
}

/** What can be read at each position of a text. */
export type Spelled = readonly (readonly Reading[])[]

/** Start and end of a piece of a text. */
export type Span = readonly [from: number, to: number]

/**
 * Reads a text in every way in which a server may have written it, in one pass: plain, percent-encoded (RFC 3986 and form encoding),
 * escaped as JSON or JavaScript (RFC 8259, section 7) or as HTML, also several times over. Each character may be written differently.
 */
export function readSpellings(text: string): Spelled {
  const runs = findRuns(text)
  return Array.from({ length: text.length }, (_, at) => {
    const end = runs[at] ?? at + 1
    return text[at] === '\\' ? readBackslash(text, end) : [readLiteral(text, at), ...readEscaped(text, at)]
  })
}

/** For each backslash, the end of its run: how many of them were one before escaping is unknown. */
function findRuns(text: string): readonly number[] {
  const ends: number[] = []
  for (let at = text.length - 1; at >= 0; at--) ends[at] = text[at + 1] === '\\' ? (ends[at + 1] ?? at + 1) : at + 1
  return ends
}

/**
 * Finds every place where a text spells `wanted`. A run of backslashes counts as one.
 *
 * @param fold maps characters that count as equal to the same number
 */
export function findSpelled(spelled: Spelled, wanted: string, fold: (code: number) => number): readonly Span[] {
  const codes = [...wanted.replaceAll(/\\+/g, '\\')].map(character => fold(character.codePointAt(0) ?? 0))
  const [first] = codes
  const found: Span[] = []
  for (let from = 0; from < spelled.length; from++) {
    // Fast path: most positions begin with another character.
    if (!spelled[from]?.some(({ code }) => fold(code) === first)) continue
    const to = findEnd(spelled, from, codes, fold)
    if (to !== undefined) found.push([from, to])
  }
  return found
}

/** The furthest end: different readings may end at different places. */
function findEnd(
  spelled: Spelled,
  from: number,
  codes: readonly number[],
  fold: (code: number) => number,
): number | undefined {
  let places: ReadonlySet<number> = new Set([from])
  for (const wanted of codes) {
    const next = new Set<number>()
    const step = (place: number): void => {
      for (const { code, end } of spelled[place] ?? []) if (fold(code) === wanted) next.add(end)
    }
    places.forEach(step)
    // Iterating a set also visits what is added during the iteration.
    if (wanted === backslash) next.forEach(step)
    if (next.size === 0) return undefined
    places = next
  }
  return Math.max(...places)
}

const backslash = 0x5c

/** Decodes percent-encoding, for text that was escaped before it was encoded; `from` maps each unit to its origin. */
export function decodePercent(text: string): { readonly text: string; readonly from: readonly number[] } {
  const from: number[] = []
  let decoded = ''
  for (let at = 0; at < text.length; ) {
    const { code, end } = readPercent(text, at).at(-1) ?? readLiteral(text, at)
    const character = String.fromCodePoint(code)
    decoded += character
    for (let unit = 0; unit < character.length; unit++) from.push(at)
    at = end
  }
  return { text: decoded, from: [...from, text.length] }
}

function readLiteral(text: string, at: number): Reading {
  const code = text.codePointAt(at) ?? 0
  return { code, end: at + (code > 0xffff ? 2 : 1) }
}

function readEscaped(text: string, at: number): readonly Reading[] {
  switch (text[at]) {
    case '%':
      return readPercent(text, at)
    case '&':
      return readEntity(text, at)
    case '+':
      return [{ code: 0x20, end: at + 1 }]
    default:
      return []
  }
}

/** Decodes repeatedly while `%25` stands for the percent sign, as UTF-8 and, byte by byte, as Latin-1. The last reading decodes most. */
function readPercent(text: string, at: number): readonly Reading[] {
  return readBytes(text, at).flatMap(first => {
    const { code } = first
    const length = code < 0xc0 ? 1 : code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4
    const bytes = [first]
    while (bytes.length < length) {
      const next = readBytes(text, bytes.at(-1)?.end ?? at).at(-1)
      if (!next) return [first]
      bytes.push(next)
    }
    if (length === 1) return [first]
    const character = Buffer.from(bytes.map(byte => byte.code)).toString('utf8')
    return [first, { code: character.codePointAt(0) ?? 0, end: bytes.at(-1)?.end ?? at }]
  })
}

const hexByte = /([\da-f]{2})/iy
const mostTimes = 4

function readBytes(text: string, at: number): readonly Reading[] {
  const bytes: Reading[] = []
  if (text[at] !== '%') return bytes
  for (let from = at + 1; bytes.length < mostTimes; from += 2) {
    const byte = readNumber(hexByte, text, from, 16)
    if (!byte) break
    bytes.push(byte)
    if (byte.code !== 0x25) break
  }
  return bytes
}

function readNumber(pattern: RegExp, text: string, at: number, base: number): Reading | undefined {
  pattern.lastIndex = at
  const [whole = '', digits] = pattern.exec(text) ?? []
  if (digits === undefined) return undefined
  const code = Number.parseInt(digits, base)
  return code > 0x10ffff ? undefined : { code, end: at + whole.length }
}

const escapedUnit = /u([\da-f]{4})/iy
const nextUnit = /\\{1,8}u([\da-f]{4})/iy
const escapedPoint = /u\{0{0,6}([\da-f]{1,6})\}/iy
const escapedByte = /x([\da-f]{2})/iy
const shortEscapes: ReadonlyMap<string, number> = new Map([
  ['n', 0x0a],
  ['r', 0x0d],
  ['t', 0x09],
  ['b', 0x08],
  ['f', 0x0c],
])

/** @param after position after the backslashes */
function readBackslash(text: string, after: number): readonly Reading[] {
  const readings: Reading[] = [{ code: 0x5c, end: after }]
  if (after === text.length) return readings
  readings.push(readLiteral(text, after))
  const short = shortEscapes.get(text[after] ?? '')
  if (short !== undefined) readings.push({ code: short, end: after + 1 })
  const unit = readNumber(escapedUnit, text, after, 16)
  const low = unit && readNumber(nextUnit, text, unit.end, 16)
  if (unit && low && (unit.code & 0xfc00) === 0xd800 && (low.code & 0xfc00) === 0xdc00) {
    readings.push({ code: 0x10000 + ((unit.code & 0x3ff) << 10) + (low.code & 0x3ff), end: low.end })
  }
  const numbers = [unit, readNumber(escapedPoint, text, after, 16), readNumber(escapedByte, text, after, 16)]
  return [...readings, ...numbers.flatMap(number => number ?? [])]
}

const decimalEntity = /&#0{0,6}(\d{1,7});?/iy
const hexEntity = /&#x0{0,6}([\da-f]{1,6});?/iy
const namedEntity = /&(lt|gt|quot|apos);/iy
const entities: ReadonlyMap<string, number> = new Map([
  ['lt', 0x3c],
  ['gt', 0x3e],
  ['quot', 0x22],
  ['apos', 0x27],
])

function readEntity(text: string, at: number): readonly Reading[] {
  const readings: Reading[] = []
  let sign = at
  for (let times = 0; ; times += 1) {
    const escaped = `&${text.slice(sign + 1, sign + 16)}`
    readings.push(...readAmpersand(escaped).map(({ code, end }) => ({ code, end: sign + end })))
    if (times === mostTimes || !escaped.toLowerCase().startsWith('&amp;')) return readings
    // The semicolon stands in place of the next one's ampersand.
    sign += 4
    readings.push({ code: 0x26, end: sign + 1 })
  }
}

/** @param text beginning with the ampersand, or with its encoding */
function readAmpersand(text: string): readonly Reading[] {
  namedEntity.lastIndex = 0
  const [whole = '', name = ''] = namedEntity.exec(text) ?? []
  const named = entities.get(name.toLowerCase())
  const numbers = [readNumber(decimalEntity, text, 0, 10), readNumber(hexEntity, text, 0, 16)]
  return [
    ...(named === undefined ? [] : [{ code: named, end: whole.length }]),
    ...numbers.flatMap(number => number ?? []),
  ]
}
