import { PermanentError } from '../errors.ts'
import { decodeJson } from '../json/decode-json.ts'
import type { HasuraResponse } from './hasura-response.ts'
import { interpretResponse, type Verdict } from './interpret-response.ts'
import { findRows, parseRows, type Rows } from './rows.ts'

/** Interprets the response to a query whose only root field is a list of rows. */
export function interpretRows(response: HasuraResponse, place: string, role: string, now: number): Verdict<Rows> {
  const rows = response.status === 200 ? findRows(response.body, place) : undefined
  if (rows) return { kind: 'data', data: rows }
  const verdict = interpretResponse(response, 'query', role, now)
  if (verdict.kind !== 'data') return verdict
  const parsed = parseRows(decodeJson(response.body, response.headers.get('content-type')) ?? '', place)
  if (parsed) return { kind: 'data', data: parsed }
  const told = {
    found: `The response has no list of rows "${place}"`,
    remedy: "select one list and nothing else in a pull's document",
  }
  return { kind: 'error', error: new PermanentError('response-shape', told) }
}
