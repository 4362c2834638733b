import { parseJson, type Reviver } from './parse-json.ts'

/** ECMAScript 2026, in Node since 21; missing in TypeScript's libraries. */
declare global {
  interface JSON {
    rawJSON(text: string): { readonly rawJSON: string }
    isRawJSON(value: unknown): value is { readonly rawJSON: string }
  }
}

/**
 * Parses JSON without losing digits: a number that JavaScript would write differently becomes an object that `JSON.stringify` writes
 * unchanged.
 */
export function parseKeepingDigits(text: string): unknown {
  return parseJson(text, keepDigits)
}

/** The same, for code with its own parser. */
export const keepDigits: Reviver = (_name, value, context) => {
  const source = context?.source
  return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value
}

/** What each plain list or object was made from, so that it is known wherever it is moved. */
export type Origins = WeakMap<object, object>

/**
 * What `parseKeepingDigits` gave, for code that expects plain values: a number where JavaScript keeps it, however it is written,
 * otherwise text.
 *
 * @param origins gets each list and object
 */
export function toPlain(exact: unknown, origins?: Origins): unknown {
  if (JSON.isRawJSON(exact)) return isExact(exact.rawJSON) ? Number(exact.rawJSON) : exact.rawJSON
  if (!Array.isArray(exact) && !isObject(exact)) return exact
  const plain = Array.isArray(exact)
    ? exact.map(value => toPlain(value, origins))
    : Object.fromEntries(Object.entries(exact).map(([name, value]) => [name, toPlain(value, origins)]))
  origins?.set(plain, exact)
  return plain
}

/**
 * The reverse of `toPlain`, after other code may have changed the value: numbers that it left alone get their digits back, also in
 * lists and objects that it moved.
 *
 * @param exact what was in this place, for lists and objects that the other code has made
 */
export function withDigits(plain: unknown, exact: unknown, origins: Origins): unknown {
  if (JSON.isRawJSON(plain)) return plain
  if (Array.isArray(plain)) {
    const from = origins.get(plain) ?? exact
    return plain.map((value, at) => withDigits(value, Array.isArray(from) ? from[at] : undefined, origins))
  }
  if (isObject(plain)) {
    const from = origins.get(plain) ?? exact
    const digits = new Map(isObject(from) ? Object.entries(from) : [])
    return Object.fromEntries(
      Object.entries(plain).map(([name, value]) => [name, withDigits(value, digits.get(name), origins)]),
    )
  }
  return JSON.isRawJSON(exact) && plain === toPlain(exact) ? exact : plain
}

/** Neither a list nor an instance of a class, such as a Date. */
function isObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/**
 * Parses JSON for code that expects plain values: an integer beyond 2^53, which JavaScript may round to another one, and a number
 * that is too large for it become text. Fractions stay numbers.
 */
export function parseWithLargeAsText(text: string): unknown {
  return parseWithText(text, written => Number.isSafeInteger(Number(written)))
}

/** The same, but an integer that JavaScript keeps as it is written stays a number, as strict JSON accepts it. */
export function parseWithRoundedAsText(text: string): unknown {
  return parseWithText(text, isExact)
}

/** Quotes the numbers before they are parsed: a reviver would make parsing ten times slower. */
function parseWithText(text: string, isKept: (written: string) => boolean): unknown {
  if (!mayBeLarge.test(text)) return parseJson(text)
  const isLost = (written: string) => !isKept(written) && (isInteger.test(written) || !Number.isFinite(Number(written)))
  let isWithinText = false
  const quoted = text.replaceAll(quoteOrLarge, (found, at: number) => {
    if (found === '"') isWithinText = !isWithinText
    if (isWithinText || !startsNumber.test(found) || isName(text, at + found.length)) return found
    return isLost(found) ? `"${found}"` : found
  })
  return parseJson(quoted)
}

/** Finds every such number, and some others. */
const mayBeLarge = /(?:^|[[:,\s])-?(?:\d{16}|\d[\d.]*[eE]\+?\d{3})/

/**
 * Where texts begin and end, and numbers with 16 digits before the point or three in the exponent. Only what JSON allows: text that isn't
 * JSON must not become JSON by the quotes. No alternative matches a whole text, which would take quadratic time for one that was cut off.
 */
const quoteOrLarge =
  /\\.|"|(?<![\d.eE+-])-?(?:[1-9]\d{15,}(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:0|[1-9]\d*)(?:\.\d+)?[eE]\+?\d{3,})/gs
const startsNumber = /^[-\d]/

/** Whether a colon follows, as after the name of a member. */
function isName(text: string, end: number): boolean {
  colon.lastIndex = end
  return colon.test(text)
}

const colon = /[ \t\r\n]*:/y

/**
 * The shortest spelling of a double, and the one with 17 digits that other languages write, lose nothing. An integer may be an id,
 * which has one spelling.
 */
export function isExact(written: string): boolean {
  const kept = Number(written)
  if (!Number.isFinite(kept)) return false
  const spellings = isInteger.test(written) ? [String(kept)] : [String(kept), kept.toPrecision(17)]
  return spellings.some(spelling => normalize(spelling) === normalize(written))
}

const isInteger = /^-?\d+$/

/** Equal for equal numbers, however they are written: the digits that count, and the power of ten of the last one. */
function normalize(number: string): string {
  const [, whole = '', fraction = '', exponent = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? []
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const counting = digits.replace(/0+$/, '')
  if (counting === '') return '0'
  return `${counting}e${Number(exponent) - fraction.length + digits.length - counting.length}`
}
