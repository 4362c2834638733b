/**
 * Makes a text safe for a terminal, a log line and a page: escapes control characters (C0 and C1, terminal escapes among them), line
 * separators, overrides of the writing direction, zero-width characters and lone surrogates. Uses JSON escapes, so that a JSON document
 * keeps its meaning.
 *
 * @param kept characters that are not escaped
 */
export function printable(text: string, kept = ''): string {
  return text.replaceAll(unprintable, character => {
    if (kept.includes(character)) return character
    const known = shortEscapes.get(character)
    return known ?? Array.from({ length: character.length }, (_, unit) => escapeUnit(character, unit)).join('')
  })
}

/** Control, format and surrogate characters, line and paragraph separators (Unicode general categories). */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

function escapeUnit(text: string, unit: number): string {
  return `\\u${text.charCodeAt(unit).toString(16).padStart(4, '0')}`
}

/**
 * Cuts a text to `longest` characters and says how many were left out.
 *
 * @param longest in characters, at least 40
 * @param total length of the whole, when the text is only its beginning
 */
export function bounded(text: string, longest: number, total = text.length): string {
  if (total <= longest) return text
  const kept = text.slice(0, longest - 40).replace(/[\ud800-\udbff]$/, '')
  return `${kept}… (${(total - kept.length).toLocaleString('en')} more characters)`
}

/** Limit of `found` and of `remedy`, in characters. */
const longestSentence = 4_000

/** Makes a sentence safe to show, whatever names it holds: on one line and of bounded length. */
export function tellable(sentence: string): string {
  return bounded(printable(sentence), longestSentence)
}
