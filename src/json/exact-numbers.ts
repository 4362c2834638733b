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
