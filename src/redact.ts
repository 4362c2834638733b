/**
 * A text without what looks like a secret: bearer tokens, JWTs (RFC 7519), passwords in addresses, values behind a name such as
 * `password=`, and each of the given secrets.
 *
 * @param secrets of fewer than six characters are left out, which any text may hold by chance
 */
export function redact(text: string, secrets: readonly string[] = []): string {
  const known = secrets.filter(secret => secret.length >= 6).toSorted((a, b) => b.length - a.length)
  const rest = known.reduce((left, secret) => left.replaceAll(secret, mark), text)
  return patterns.reduce((left, [pattern, replacement]) => left.replace(pattern, replacement), rest)
}

const mark = '[redacted]'

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]{4,}\.[\w-]+\.?[\w-]*/g, mark],
  [/\b(bearer|basic)\s+[\w\-.~+/]{6,}=*/gi, `$1 ${mark}`],
  [/\/\/[^\s/@]*:[^\s/@]*@/g, `//${mark}@`],
  [
    /\b([\w-]*(?:secret|passw(?:or)?d|token|api[-_]?key|authorization)["']?\s*[=:]\s*["']?)(?!\[redacted\]|(?:bearer|basic) )[^\s"'&,;)]+/gi,
    `$1${mark}`,
  ],
]
