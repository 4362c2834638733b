/** A cleaned value of a variable or a file. */
export interface ReadValue {
  /** Without surrounding white space, byte order mark and invisible characters. */
  readonly value: string
  /** What still looks like a mistake, to follow "whose value …"; undefined when nothing does. */
  readonly oddity: string | undefined
}

/**
 * Removes what editors, `kubectl`, `docker --env-file` and copying from a web page leave around a value, and reports what they may have
 * left inside. Never quotes the value, which may be secret.
 */
export function readValue(raw: string): ReadValue {
  const value = raw.replace(around, '')
  return { value, oddity: findOddity(value) }
}

/** White space (`\s` includes the byte order mark and the non-breaking space), control and format characters. */
const around = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu

/** Shells remove quotation marks; `docker --env-file` and most other readers don't. */
export const enclosed = 'is enclosed in quotation marks'

/** Only a shell, Compose, Kubernetes or a template engine replaces it, each its own form; the reader of `.env` replaces none. */
export const unreplaced = `holds a placeholder (\${NAME}, $(NAME), {{ name }} or ~/) that nothing has replaced`

function findOddity(value: string): string | undefined {
  if (quoted.test(value)) return enclosed
  if (placeholder.test(value)) return unreplaced
  if (/[\r\n\u2028\u2029]/.test(value)) return 'holds a line break'
  // Persian and Indic scripts use the joiners U+200C and U+200D.
  const unusual = /(?![\u200c\u200d])[\p{Cc}\p{Cf}]|(?! )\p{Zs}/u.exec(value)?.[0]
  return unusual && `holds an invisible character (${nameOf(unusual)})`
}

const quoted = /^(?:".*"|'.*'|`.*`|[“„”].*[“”]|[‘‚’].*[‘’]|«.*»)$/su

const placeholder = /\$\{[A-Z_]\w*(?:[:?+-][^}]*)?\}|\$\([A-Z_]\w*\)|\{\{[^{}]*\}\}|^\$[A-Z_]\w*(?=\/|$)|^~\//i

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
