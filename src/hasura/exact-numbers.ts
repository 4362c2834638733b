import { z } from 'zod'

/**
 * The text of a value as the response had it: a number that JavaScript can't hold exactly (a bigint, a long numeric) is
 * looked up in the response's own text.
 *
 * @param body the whole response, of which `rows` were parsed
 */
export function exactTexts(
  body: string,
  rootField: string,
  row: Readonly<Record<string, unknown>>,
  index: number,
  columns: readonly string[],
): readonly string[] {
  const inexact = columns.some(column => typeof row[column] === 'number' && !isExact(row[column], column, body))
  const source = inexact ? parseExactly(body, rootField, index) : row
  return columns.map(column => String(source[column]))
}

/** `5.00000000000000001` is parsed as 5: an integer is what it looks like only where the column has no fractions. */
function isExact(value: number, column: string, body: string): boolean {
  return Number.isSafeInteger(value) && !new RegExp(`"${column}"\\s*:\\s*-?\\d+[.eE]`).test(body)
}

/** The row parsed again with its numbers as text; slower, so only done when a number needs it. */
function parseExactly(body: string, rootField: string, index: number): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(body, (_key, value: unknown, context?: { source?: string }) =>
    typeof value === 'number' && context?.source !== undefined ? context.source : value,
  )
  return response.parse(parsed).data[rootField]?.[index] ?? {}
}

const response = z.object({ data: z.record(z.string(), z.array(z.record(z.string(), z.unknown()))) })
