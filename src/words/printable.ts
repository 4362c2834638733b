/**
 * A text in which nothing is left that a terminal obeys, that ends a line of a log, or that makes a page show something else than
 * what is there: control characters (C0 and C1, so also the escape of a terminal's sequences), separators of lines, overrides of
 * the writing direction, characters without width, halves of surrogate pairs. They are written as JSON escapes them, so that a
 * JSON document stays the same document.
 *
 * @param kept characters that stay as they are
 */
export function printable(text: string, kept = ''): string {
  return text.replaceAll(unprintable, character => {
    if (kept.includes(character)) return character
    const known = shortEscapes.get(character)
    return known ?? Array.from({ length: character.length }, (_, unit) => escapeUnit(character, unit)).join('')
  })
}

/** Control, format and surrogate characters, separators of lines and paragraphs (Unicode, general categories). */
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
 * A text of `longest` characters at most, with how much of it was left out.
 *
 * @param longest 40 or more
 * @param total how long the whole is, where the text is the beginning of it
 */
export function bounded(text: string, longest: number, total = text.length): string {
  if (total <= longest) return text
  const kept = text.slice(0, longest - 40).replace(/[\ud800-\udbff]$/, '')
  return `${kept}… (${(total - kept.length).toLocaleString('en')} more characters)`
}

/** Of a sentence about what was found, or about what to do, in characters. */
const longestSentence = 4_000

/** A sentence, whatever the names in it: on one line, and no longer than anybody reads. */
export function tellable(sentence: string): string {
  return bounded(printable(sentence), longestSentence)
}
