import { z } from 'zod'
import { PermanentError } from '../errors.ts'

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

/**
 * The texts of a row's columns as the API wrote them, all digits of its numbers among them.
 *
 * @throws PermanentError (`null-in-order`) when one of them is null, so that the row has no place among the others
 */
export function exactTexts(row: string, columns: readonly string[]): readonly string[] {
  return textsOf(record.parse(parseKeepingDigits(row)), columns)
}

/** The same of a row that `parseKeepingDigits` has parsed. */
export function textsOf(values: Readonly<Record<string, unknown>>, columns: readonly string[]): readonly string[] {
  return columns.map(column => {
    const value = values[column]
    if (value === null || value === undefined) {
      throw new PermanentError(
        'null-in-order',
        `"${column}" is null in a row, and rows are told apart and ordered by it: choose columns that never are, or leave such rows out by the job's "where"`,
      )
    }
    return JSON.isRawJSON(value) ? value.rawJSON : String(value)
  })
}

const record = z.record(z.string(), z.unknown())
