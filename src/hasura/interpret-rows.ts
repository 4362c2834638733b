import { PermanentError } from '../errors.ts'
import { type HasuraResponse, interpretResponse, type Verdict } from './interpret-response.ts'
import { extractRows, type RowsText, sliceRows } from './rows-text.ts'

/** As `interpretResponse`, for a query whose only root field is a list of rows. */
export function interpretRows(
  response: HasuraResponse,
  rootField: string,
  role: string,
  now: number,
): Verdict<RowsText> {
  const sliced = response.status === 200 ? sliceRows(response.body, rootField) : undefined
  if (sliced) return { kind: 'data', data: sliced }
  const verdict = interpretResponse(response, 'query', role, now)
  if (verdict.kind !== 'data') return verdict
  const rows = extractRows(response.body, rootField)
  if (rows) return { kind: 'data', data: rows }
  const sentence = `The answer has no list of rows "${rootField}": a pull's document selects one list and nothing else.`
  return { kind: 'error', error: new PermanentError('response-shape', sentence) }
}
