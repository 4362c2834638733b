import { UsageError } from '../errors.ts'

/**
 * A key is the same whether it comes as an argument or in a header, where other characters have no agreed bytes.
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
