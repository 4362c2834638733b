/** A value as it was meant, out of a variable or a file. */
export interface ReadValue {
  /** Without the white space, byte order mark and invisible characters around it. */
  readonly value: string
  /** What of it still looks like a mistake, behind "whose value …"; undefined when nothing does. */
  readonly oddity: string | undefined
}

/**
 * Takes away what editors, `kubectl`, `docker --env-file` and copying from a web page leave around a value, and tells what they
 * may have left inside. Never repeats the value, which may be secret.
 */
export function readValue(raw: string): ReadValue {
  const value = raw.replace(around, '')
  return { value, oddity: findOddity(value) }
}

/** White space (`\s` has the byte order mark and the non-breaking space), control and format characters. */
const around = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu

/** Shells take quotation marks away; `docker --env-file` and most other readers don't. */
export const enclosed = 'is enclosed in quotation marks'

function findOddity(value: string): string | undefined {
  if (quoted.test(value)) return enclosed
  if (/[\r\n\u2028\u2029]/.test(value)) return 'holds a line break'
  // Persian and the scripts of India write with the joiners U+200C and U+200D.
  const unusual = /(?![\u200c\u200d])[\p{Cc}\p{Cf}]|(?! )\p{Zs}/u.exec(value)?.[0]
  return unusual && `holds an invisible character (${nameOf(unusual)})`
}

const quoted = /^(?:".*"|'.*'|`.*`|[“„”].*[“”]|[‘‚’].*[‘’]|«.*»)$/su

function nameOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`
}
