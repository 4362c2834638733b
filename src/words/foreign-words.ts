import { bounded, printable } from './printable.ts'
import { redact } from './redact.ts'

/** Characters: more than a server's sentence needs. */
const longestQuote = 300
/** Characters that are read: later ones would not be shown anyway. */
const longestRead = 20_000
/** Characters dropped at a cut, where a part of a secret may stand. */
const unsure = 200

/**
 * Quotes the words of another system (an identity provider, an API, a database, a job's author): without secrets in any encoding, on
 * one line, safe for a terminal, a log and a page, and no longer than a sentence. The only place where foreign words enter messages.
 *
 * @param secrets all known secrets, removed in addition to what looks like one
 * @param longest characters; default 300
 */
export function quoteForeign(words: string, secrets: readonly string[] = [], longest = longestQuote): string {
  const read = redact(words.slice(0, longestRead), secrets)
  const left = Math.max(0, words.length - longestRead)
  const line = printable((left > 0 ? read.slice(0, -unsure) : read).replaceAll(/\s+/g, ' ').trim())
  return bounded(line, longest, line.length + left)
}
