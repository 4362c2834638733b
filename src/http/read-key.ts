import { UsageError } from '../errors.ts'

/**
 * The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), a string of RFC 9651; its parameters are ignored. A
 * bare text, which most APIs accept, is the key itself.
 *
 * @throws UsageError
 */
export function readKey(header: string | undefined): string | undefined {
  if (!header?.startsWith('"')) return header
  const [, quoted] = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"(?: *;[^"]*)?$/.exec(header.trim()) ?? []
  if (quoted !== undefined) return quoted.replaceAll(/\\(["\\])/g, '$1')
  throw new UsageError({
    found: 'The header Idempotency-Key starts with a quotation mark but is not a string of RFC 9651',
    remedy: 'send one key, such as "order-4711"',
  })
}
