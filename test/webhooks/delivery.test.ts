import { expect, test } from 'vitest'
import { interpretAnswer } from '../../src/webhooks/delivery.ts'

const now = Date.parse('2026-11-27T00:00:00Z')

test.each([
  [200, undefined, { kind: 'delivered' }],
  [204, undefined, { kind: 'delivered' }],
  [410, '60', { kind: 'gone' }],
  [301, undefined, { kind: 'failed', remedy: expect.stringContaining('redirects are not followed') }],
  [400, undefined, { kind: 'failed', found: 'hook.example answered HTTP 400' }],
  [429, '60', { kind: 'failed', retryAfterMs: 60_000 }],
  [503, 'Fri, 27 Nov 2026 00:02:00 GMT', { kind: 'failed', retryAfterMs: 120_000 }],
  [500, '999999', { kind: 'failed', retryAfterMs: 3_600_000 }],
])('an answer %i with Retry-After %s means %o', (status, asked, meant) => {
  const headers = new Headers(asked === undefined ? {} : { 'retry-after': asked })
  expect(interpretAnswer('hook.example', { status, headers }, now)).toMatchObject(meant)
})
