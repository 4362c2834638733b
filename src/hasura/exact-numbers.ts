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
  const inexact = columns.some(column => typeof row[column] === 'number' && !Number.isSafeInteger(row[column]))
  const source = inexact ? parseExactly(body, rootField, index) : row
  return columns.map(column => String(source[column]))
}

/** The row parsed again with its numbers as text; slower, so only done when a number needs it. */
function parseExactly(body: string, rootField: string, index: number): Readonly<Record<string, unknown>> {
  const parsed: { data: Record<string, Record<string, unknown>[]> } = JSON.parse(
    body,
    (_key, value: unknown, context?: { source?: string }) =>
      typeof value === 'number' && context?.source !== undefined ? context.source : value,
  )
  return parsed.data[rootField]?.[index] ?? {}
}
