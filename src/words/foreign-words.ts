import { bounded, printable } from './printable.ts'
import { redact } from './redact.ts'

/** More than any sentence of a server needs. */
const longestQuote = 300
/** So much of a text is looked at: what comes after it would not be shown anyway. */
const longestRead = 20_000
/** Where the text was cut off there may stand a part of a secret. */
const unsure = 200

/**
 * The one place where the words of another system become ours: an identity provider, an API, a database, a job's author. Without
 * secrets in any dress, on one line, fit for a terminal, a log and a page, and not longer than a sentence.
 *
 * @param secrets every one in hand, beside what looks like one
 * @param longest characters; default 300
 */
export function quoteForeign(words: string, secrets: readonly string[] = [], longest = longestQuote): string {
  const read = redact(words.slice(0, longestRead), secrets)
  const left = Math.max(0, words.length - longestRead)
  const line = printable((left > 0 ? read.slice(0, -unsure) : read).replaceAll(/\s+/g, ' ').trim())
  return bounded(line, longest, line.length + left)
}
