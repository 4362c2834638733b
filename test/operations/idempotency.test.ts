import { expect, test } from 'vitest'
import { requireKey } from '../../src/operations/idempotency.ts'

test.each([
  ['', 'has 0 characters'],
  ['x'.repeat(256), 'has 256 characters'],
  ['é', 'holds other characters than printable ASCII'],
  ['line\nfeed', 'holds other characters than printable ASCII'],
])('the key %j is refused, with what is wrong', (key, wrong) => {
  expect(() => requireKey(key)).toThrow(
    `An idempotency key that ${wrong} can't be sent in a header: give 1 to 255 printable ASCII characters`,
  )
})

test.each(['x', ' ', '~'.repeat(255)])('the key %j is accepted', key => {
  expect(() => requireKey(key)).not.toThrow()
})
