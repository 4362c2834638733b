import { decodePercent, findSpelled, readSpellings, type Span, type Spelled } from './spellings.ts'

/**
 * Removes the given secrets from a text, in any encoding, and what looks like a secret: bearer tokens, JWTs (RFC 7519), passwords in
 * URLs, values after a name such as `password=`.
 *
 * A secret is found in every spelling (`spellings.ts`), in either case, in hexadecimal, and in Base64, also as a part of the encoded
 * text, such as `id:secret`. Of a long secret, such as a token, every part of 16 characters is found.
 *
 * @param secrets those of fewer than six characters are ignored: any text may contain them by chance
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  if (text === '') return text
  const known = [...new Set(secrets)].filter(secret => secret.length >= shortestSecret)
  return replaceSpans(text, [...(known.length > 0 ? findSecrets(text, known) : []), ...findLookalikes(text)])
}

const mark = '[redacted]'
const shortestSecret = 6

function findSecrets(text: string, secrets: readonly string[]): readonly Span[] {
  const decoded = decodePercent(text)
  const inside = findIn(decoded.text, secrets).map(
    ([from, to]): Span => [decoded.from[from] ?? text.length, decoded.from[to] ?? text.length],
  )
  return decoded.text === text ? inside : [...findIn(text, secrets), ...inside]
}

function findIn(text: string, secrets: readonly string[]): readonly Span[] {
  const spelled = readSpellings(text)
  const pieces = partsOf(text)
  return secrets.flatMap(secret => [
    ...findSpelled(spelled, secret, ignoreCase),
    ...findSpelled(spelled, Buffer.from(secret).toString('hex'), ignoreCase),
    ...findBase64(spelled, secret),
    ...(secret.length < longSecret ? [] : findParts(pieces, secret)),
  ])
}

function ignoreCase(code: number): number {
  return String.fromCodePoint(code).toLowerCase().codePointAt(0) ?? code
}

function findBase64(spelled: Spelled, secret: string): readonly Span[] {
  const cores = [secret, formEncode(secret)].flatMap(text => [0, 1, 2].map(before => base64Core(text, before)))
  return [...new Set(cores)].flatMap(core => findSpelled(spelled, core, ignoreAlphabet))
}

/** base64url differs in two digits (RFC 4648, section 5). */
function ignoreAlphabet(code: number): number {
  if (code === 0x2d) return 0x2b
  return code === 0x5f ? 0x2f : code
}

/**
 * The Base64 digits that depend on no neighbouring byte.
 *
 * @param before number of bytes in the first group of three that precede the text
 */
function base64Core(text: string, before: number): string {
  const bytes = Buffer.from(text)
  const digits = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const shared = (before + bytes.length) % 3 === 0 ? 0 : 1
  return digits.slice(Math.ceil((before * 8) / 6), digits.length - shared)
}

/** Encodes as OAuth's Basic scheme does (RFC 6749, section 2.3.1). */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** From this length on, a part identifies the secret; a part of a shorter one may be a word. */
const longSecret = 32
const partLength = 16

/** Finds the pieces of a text that are a part of the secret or of its encodings. */
function findParts(pieces: readonly string[], secret: string): readonly Span[] {
  const base64 = [0, 1, 2].map(before => base64Core(secret, before))
  const forms = [secret, ...base64, ...base64.map(digits => digits.replaceAll('+', '-').replaceAll('/', '_'))]
  const parts = new Set(forms.flatMap(partsOf))
  return pieces.flatMap((part, at) => (parts.has(part) ? [[at, at + partLength] as const] : []))
}

function partsOf(text: string): readonly string[] {
  const count = Math.max(0, text.length - partLength + 1)
  return Array.from({ length: count }, (_, at) => text.slice(at, at + partLength))
}

/** The secret follows the first group; without a group it is the whole match. */
const lookalikes: readonly RegExp[] = [
  /eyJ[\w-]{8,}(?:\.[\w-]+)*/g,
  /\b((?:bearer|basic)\s+)[\w\-.~+/]{6,}=*/gi,
  /(\/\/)[^\s/@]*:[^\s/@]*(?=@)/g,
  /\b([\w-]*(?:secret|passw(?:or)?d|token|assertion|credential|api[-_]?key|authorization)\\*["']?\s*(?:[=:]|%3[ad])\s*\\*["']?)(?!\[redacted\]|(?:bearer|basic) )[^\s"'&,;)\\]+/gi,
]

function findLookalikes(text: string): readonly Span[] {
  return lookalikes.flatMap(pattern =>
    [...text.matchAll(pattern)].map(
      ({ index, 0: { length }, 1: before = '' }): Span => [index + before.length, index + length],
    ),
  )
}

function replaceSpans(text: string, spans: readonly Span[]): string {
  let told = ''
  let end = 0
  for (const [from, to] of spans.toSorted(([a], [b]) => a - b)) {
    if (told === '' || from > end) told += text.slice(end, from) + mark
    end = Math.max(end, to)
  }
  return told + text.slice(end)
}
