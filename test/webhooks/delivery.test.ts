import { expect, test } from 'vitest'
import { exchange } from '../../src/outgoing/exchange.ts'
import { buildMessages } from '../../src/webhooks/build-messages.ts'
import { deliver, interpretAnswer } from '../../src/webhooks/delivery.ts'
import { hostileAnswers, startHostileServer } from '../security/hostile-server.ts'

const now = Date.parse('2026-11-27T00:00:00Z')

test.each([
  [200, undefined, { kind: 'delivered' }],
  [204, undefined, { kind: 'delivered' }],
  [410, '60', { kind: 'gone' }],
  [301, undefined, { kind: 'failed', remedy: expect.stringContaining('redirects are not followed') }],
  [413, undefined, { kind: 'failed', remedy: expect.stringContaining('raise its limit') }],
  [400, undefined, { kind: 'failed', found: 'hook.example answered HTTP 400' }],
  [429, '60', { kind: 'failed', retryAfterMs: 60_000 }],
  [503, 'Fri, 27 Nov 2026 00:02:00 GMT', { kind: 'failed', retryAfterMs: 120_000 }],
  [500, '999999', { kind: 'failed', retryAfterMs: 3_600_000 }],
])('an answer %i with Retry-After %s means %o', (status, asked, meant) => {
  const headers = new Headers(asked === undefined ? {} : { 'retry-after': asked })
  expect(interpretAnswer('hook.example', { status, headers }, now)).toMatchObject(meant)
})

test.each([
  'a body of 3 MB in seven codings',
  'a body in an unknown coding, without an end',
  'something packed that is not',
  'a flood without an end',
  'a body that is announced as a terabyte',
  'a byte and then nothing',
  'half a body',
])('a message is delivered when its status says so, also with %s', async kind => {
  await using server = await startHostileServer()
  const address = server.answering(hostileAnswers[kind] ?? expect.fail())
  const message = { id: 'msg_1', body: '{}' }
  const target = { url: new URL(address.url), secrets: ['whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0'] }
  const { signal } = new AbortController()
  expect(await deliver(exchange, message, target, { signal, now: () => now })).toEqual({ kind: 'delivered' })
  await address.atRest()
})

test('a message fits into the 100 kB that receivers accept by default, whatever the keys are written in', () => {
  const origin = { webhook: 'w', account: 'a', table: 't', epoch: '1' }
  const changes = Array.from({ length: 1_000 }, (_, n) => ({
    position: `${n}`,
    op: 'upsert' as const,
    key: { title: `鍵${n}`.repeat(20) },
  }))
  const messages = buildMessages(origin, changes)
  expect(Math.max(...messages.map(({ body }) => Buffer.byteLength(body)))).toBeLessThan(100_000)
  const sent = messages.flatMap(({ body }) => JSON.parse(body).data.changes)
  expect(sent).toEqual(changes)
})
