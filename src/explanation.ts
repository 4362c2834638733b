import { asText } from './words/as-text.ts'
import { tellable } from './words/printable.ts'

/** A message for a person. Neither text ends with a full stop, so that they form one sentence. */
export interface Explanation {
  /** What was found and, where it matters, what was expected. */
  readonly found: string
  /** What to do, as an imperative; undefined when `found` says it all. */
  readonly remedy?: string | undefined
}

/** Renders "found: remedy". The only place where the two become a sentence. */
export function renderExplanation(told: Told): string {
  const { found, remedy } = toExplanation(told)
  return remedy === undefined ? found : `${found}: ${remedy}`
}

/** What was found, with or without a remedy. May hold names from a token, a schema or a payload. */
export type Told = string | Explanation

/** Makes the texts safe for a terminal, a log and a page: on one line and of bounded length. */
export function toExplanation(told: Told): Explanation {
  // Node doesn't check types, and a job may pass on a part of a response.
  const isWhole = typeof told === 'object' && told !== null && 'found' in told
  const { found, remedy } = isWhole ? told : { found: told, remedy: undefined }
  return { found: tellable(asText(found)), ...(remedy !== undefined && { remedy: tellable(asText(remedy)) }) }
}

/** Prefixes the explanation with a place, such as a job or a line of a file. */
export function inPlace(place: string, told: Told): Explanation {
  const { found, remedy } = toExplanation(told)
  return { found: `${place}: ${found}`, remedy }
}

/** Explains a failure by its cause: the cause in parentheses, with its remedy. */
export function causedBy(found: string, cause: Explanation): Explanation {
  return { found: `${found} (${cause.found})`, remedy: cause.remedy }
}
