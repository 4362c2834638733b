import { UsageError } from '../errors.ts'

const isAscii = /^[\x20-\x7e]*$/

/**
 * A key must be usable in an argument and in a header, where other characters have no agreed encoding.
 *
 * @throws UsageError
 */
export function requireKey(key: string): void {
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return
  throw new UsageError({
    found: `An idempotency key that ${isAscii.test(key) ? `has ${key.length} characters` : 'holds other characters than printable ASCII'} can't be sent in a header`,
    remedy: 'give 1 to 255 printable ASCII characters',
  })
}
