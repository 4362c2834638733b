import { decodePercent, findSpelled, readSpellings, type Span, type Spelled } from './spellings.ts'

/**
 * A text without the given secrets, in whichever dress it has them, and without what looks like one: bearer tokens, JWTs (RFC
 * 7519), passwords in addresses, values behind a name such as `password=`.
 *
 * A secret is found however its characters are written (`spellings.ts`), in capitals or not, in hexadecimal, and in Base64, also
 * as a part of what was encoded, such as `id:secret`. Of a long one, such as a token, each part of 16 characters is found.
 *
 * @param secrets of fewer than six characters are left out, which any text may hold by chance
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

/** base64url has two other digits (RFC 4648, section 5). */
function ignoreAlphabet(code: number): number {
  if (code === 0x2d) return 0x2b
  return code === 0x5f ? 0x2f : code
}

/**
 * The digits of Base64 that no neighbouring byte has a part in.
 *
 * @param before how many bytes of the first group of three stand before the text
 */
function base64Core(text: string, before: number): string {
  const bytes = Buffer.from(text)
  const digits = Buffer.concat([Buffer.alloc(before), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const shared = (before + bytes.length) % 3 === 0 ? 0 : 1
  return digits.slice(Math.ceil((before * 8) / 6), digits.length - shared)
}

/** As the Basic scheme of OAuth has it (RFC 6749, section 2.3.1). */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

/** A secret of so many characters is known by a part of it; below it, a part may be a word. */
const longSecret = 32
const partLength = 16

/** Every piece of a text that is a part of the secret, or of what it becomes in transport. */
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

/** What stands behind the first group is the secret; without a group it is all of it. */
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
