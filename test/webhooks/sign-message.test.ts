import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { isWebhookSecret, signMessage } from '../../src/webhooks/sign-message.ts'

const newSecret = (bytes = 32) => `whsec_${randomBytes(bytes).toString('base64')}`

describe('a signed message', () => {
  test('is accepted by the reference library with either secret, whatever it says', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.integer({ min: 24, max: 64 }), (data, bytes) => {
        const [current, previous, other] = [newSecret(bytes), newSecret(bytes), newSecret(bytes)]
        const message = { id: 'msg_1', body: JSON.stringify({ data }) }
        const headers = { ...signMessage(message, [current, previous], Date.now()) }
        for (const secret of [current, previous]) {
          expect(JSON.stringify(new Webhook(secret).verify(message.body, headers))).toBe(message.body)
        }
        expect(() => new Webhook(other).verify(message.body, headers)).toThrow()
      }),
      { numRuns: 50 },
    )
  })

  test('is refused by it when it was tampered with, or replayed after five minutes', () => {
    const secret = newSecret()
    const message = { id: 'msg_1', body: '{"a":1}' }
    const headers = { ...signMessage(message, [secret], Date.now()) }
    const webhook = new Webhook(secret)
    webhook.verify(message.body, headers)
    const old = { ...signMessage(message, [secret], Date.now() - 301_000) }
    for (const [body, told] of [
      ['{"a":2}', headers],
      [message.body, { ...headers, 'webhook-id': 'msg_2' }],
      [message.body, { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 1) }],
      [message.body, { ...headers, 'webhook-signature': headers['webhook-signature'].replace('v1,', 'v1a,') }],
      [message.body, old],
    ] as const) {
      expect(() => webhook.verify(body, told)).toThrow()
    }
  })
})

test.each([
  [newSecret(24), true],
  [newSecret(64), true],
  [newSecret(23), false],
  [newSecret(65), false],
  [randomBytes(32).toString('base64'), false],
  [`whsec_${'!'.repeat(40)}`, false],
  ['', false],
])('%s is a secret: %s', (secret, is) => {
  expect(isWebhookSecret(secret)).toBe(is)
})
