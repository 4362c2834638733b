import { z } from 'zod'

/** ECMAScript 2026, in Node since 21; TypeScript's own libraries don't know it yet. */
declare global {
  interface JSON {
    rawJSON(text: string): { readonly rawJSON: string }
    isRawJSON(value: unknown): value is { readonly rawJSON: string }
  }
}

/**
 * Parses JSON so that it can be written again digit by digit: a number that JavaScript would write in another way becomes an
 * object that `JSON.stringify` writes as it was.
 */
export function parseKeepingDigits(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value
  })
}

/** The texts of a row's columns as the API wrote them, all digits of its numbers among them. */
export function exactTexts(row: string, columns: readonly string[]): readonly string[] {
  const values = record.parse(parseKeepingDigits(row))
  return columns.map(column => {
    const value = values[column]
    return JSON.isRawJSON(value) ? value.rawJSON : String(value)
  })
}

const record = z.record(z.string(), z.unknown())
