import { PermanentError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { decodeJson } from '../json/decode-json.ts'
import type { HasuraResponse } from './hasura-response.ts'
import { interpretResponse, type Verdict } from './interpret-response.ts'
import { findRows, parseRows, type Rows } from './rows.ts'

/** A query's only list. */
export interface WantedRows {
  /** Its place in `data`. */
  readonly place: string
  /** What each row must have. */
  readonly names: readonly string[]
}

/** Interprets the response to a query whose only root field is a list of rows. */
export function interpretRows(
  response: HasuraResponse,
  { place, names }: WantedRows,
  role: string,
  now: number,
): Verdict<Rows> {
  const found = response.status === 200 ? findRows(response.body, place) : undefined
  if (!found) {
    const verdict = interpretResponse(response, 'query', role, now)
    if (verdict.kind !== 'data') return verdict
  }
  const rows = found ?? parseRows(decodeJson(response.body, response.headers.get('content-type')) ?? '', place)
  if (!rows) {
    return refuse({
      found: `The response has no list of rows "${place}"`,
      remedy: "select one list and nothing else in a pull's document",
    })
  }
  const missing = rows.count > 0 ? names.find(name => !rows.column(name)) : undefined
  if (missing === undefined) return { kind: 'data', data: rows }
  // As null it would replace the value that the row has.
  return refuse({
    found: `Rows of "${place}" were answered without the field "${missing}", which the query selects`,
    remedy: 'look for what stands in front of Hasura and removes it, such as a gateway that masks fields',
  })
}

function refuse(told: Explanation): Verdict<never> {
  return { kind: 'error', error: new PermanentError('response-shape', told) }
}
