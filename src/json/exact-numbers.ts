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

/**
 * Parses JSON for code that expects plain values: an integer beyond 2^53, which JavaScript may round to another one, and a number
 * that is too large for it become text. Fractions stay numbers.
 */
export function parseWithLargeAsText(text: string): unknown {
  // A reviver makes parsing ten times slower.
  return mayBeLarge.test(text) ? parseJson(text, largeAsText) : parseJson(text)
}

/** Finds every such number, and some others. */
const mayBeLarge = /(?:^|[[:,\s])-?(?:\d{16}|\d[\d.]*[eE]\+?\d{3})/

const largeAsText: Reviver = (_name, value, context) => {
  const source = context?.source
  if (typeof value !== 'number' || source === undefined || Number.isSafeInteger(value)) return value
  return /^-?\d+$/.test(source) || !Number.isFinite(value) ? source : value
}
