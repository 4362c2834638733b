/**
 * Decodes a body that is JSON: UTF-8 (RFC 8259, section 8.1), or what the charset of its content type says, as some servers still
 * write. A byte order mark is dropped. Nothing is replaced: bytes of another encoding would become other characters unnoticed.
 *
 * @returns undefined for bytes that are in neither
 */
export function decodeJson(body: Uint8Array, contentType: string | null): string | undefined {
  const [, label = ''] = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType ?? '') ?? []
  // Text in UTF-16 may be valid UTF-8, with a NUL beside each character.
  const encodings = /^utf-?16/i.test(label) ? [label] : ['utf-8', label]
  return encodings.map(encoding => decode(body, encoding)).find(text => text !== undefined)
}

function decode(body: Uint8Array, encoding: string): string | undefined {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body)
  } catch {
    return undefined
  }
}
