import { UsageError } from '../errors.ts'

/**
 * A key must be usable in an argument and in a header, where other characters have no agreed encoding.
 *
 * @throws UsageError
 */
export function requireKey(key: string): void {
  if (/^[\x20-\x7e]{1,255}$/.test(key)) return
  throw new UsageError({
    found: `An idempotency key of ${key.length} characters can't be sent in a header`,
    remedy: 'give 1 to 255 printable ASCII characters',
  })
}
