import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { exchange } from '../../src/outgoing/exchange.ts'
import { createServerTime } from '../../src/time/server-time.ts'
import { buildMessages } from '../../src/webhooks/build-messages.ts'
import { deliver, interpretAnswer } from '../../src/webhooks/delivery.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { hostileAnswers, startHostileServer } from '../security/hostile-server.ts'

const now = Date.parse('2026-11-27T00:00:00Z')
const secret = 'whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0'
const { signal } = new AbortController()
const deps = (clock: VirtualClock) => ({ signal, clock, receiverTime: createServerTime(clock) })

test.each([
  [200, undefined, { kind: 'delivered' }],
  [204, undefined, { kind: 'delivered' }],
  [410, '60', { kind: 'gone' }],
  [301, undefined, { kind: 'failed', remedy: expect.stringContaining('redirects are not followed') }],
  [413, undefined, { kind: 'failed', remedy: expect.stringContaining('raise its limit') }],
  [400, undefined, { kind: 'failed', found: 'hook.example answered HTTP 400' }],
  [403, undefined, { kind: 'failed', remedy: expect.stringContaining('a firewall, a bot check or a login in front') }],
  [404, undefined, { kind: 'failed', remedy: expect.stringContaining('check the path of the URL') }],
  [429, '60', { kind: 'failed', retryAfterMs: 60_000 }],
  [503, 'Fri, 27 Nov 2026 00:02:00 GMT', { kind: 'failed', retryAfterMs: 120_000 }],
  [500, '999999', { kind: 'failed', retryAfterMs: 3_600_000 }],
])('an answer %i with Retry-After %s means %o', (status, asked, meant) => {
  const headers = new Headers(asked === undefined ? {} : { 'retry-after': asked })
  expect(interpretAnswer('hook.example', { status, headers }, now)).toMatchObject(meant)
})

test('a redirect says to which server, without what may be secret', () => {
  const headers = new Headers({ location: 'https://other.example/hooks?key=canary' })
  expect(interpretAnswer('hook.example', { status: 301, headers }, now)).toMatchObject({
    found: 'hook.example redirects to https://other.example (HTTP 301)',
  })
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
  expect(
    await deliver(exchange, message, { url: new URL(address.url), secrets: [secret] }, deps(new VirtualClock())),
  ).toEqual({
    kind: 'delivered',
  })
  await address.atRest()
})

test('a receiver that can only be reached through a proxy is not looked for at the receiver alone', async () => {
  await using receiver = await listenOnLoopback(createServer(request => void request.socket.destroy()))
  const target = { url: new URL(receiver.url), secrets: [secret] }
  expect(await deliver(exchange, { id: 'msg_1', body: '{}' }, target, deps(new VirtualClock()))).toMatchObject({
    kind: 'failed',
    remedy: expect.stringContaining('webhooks use none'),
  })
})

test('a message that a check for bots answers is not delivered, though the status says so', async () => {
  await using receiver = await listenOnLoopback(
    createServer((_request, response) => response.writeHead(202, { 'x-amzn-waf-action': 'challenge' }).end()),
  )
  const target = { url: new URL(receiver.url), secrets: [secret] }
  expect(await deliver(exchange, { id: 'msg_1', body: '{}' }, target, deps(new VirtualClock()))).toMatchObject({
    kind: 'failed',
    found: expect.stringContaining('a check for bots answered'),
    remedy: expect.stringContaining('firewall'),
  })
})

/** A receiver that verifies with the right clock, while the `Date` of its responses is wrong by `wrongByMs`. */
function createVerifier(statuses: number[], { wrongByMs = 0 } = {}) {
  return createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    const headers = Object.entries(request.headersDistinct).map(([name, [value = ''] = []]) => [name, value])
    response.setHeader('date', new Date(Date.now() + wrongByMs).toUTCString())
    try {
      new Webhook(secret).verify(body, Object.fromEntries(headers))
      response.writeHead(204)
    } catch {
      response.writeHead(400)
    }
    statuses.push(response.statusCode)
    response.end()
  })
}

test.each<[string, { oursWrongByMs?: number; wrongByMs?: number }, number[]]>([
  // The run has learned it.
  ['the receiver’s clock where ours is wrong', { oursWrongByMs: -3_600_000 }, [400, 204, 204]],
  ['the receiver’s clock where ours is wrong', { oursWrongByMs: 3_600_000 }, [400, 204, 204]],
  ['our clock where only the receiver’s Date is wrong', { wrongByMs: -600_000 }, [204, 204]],
])('a message is signed by %s: %o', async (_, { oursWrongByMs = 0, wrongByMs = 0 }, expected) => {
  const statuses: number[] = []
  await using receiver = await listenOnLoopback(createVerifier(statuses, { wrongByMs }))
  const given = deps(new VirtualClock(Date.now() + oursWrongByMs))
  for (const id of ['msg_1', 'msg_2']) {
    const target = { url: new URL(receiver.url), secrets: [secret] }
    expect(await deliver(exchange, { id, body: '{}' }, target, given)).toEqual({ kind: 'delivered' })
  }
  expect(statuses).toEqual(expected)
})

test('a message that is refused at the right time is sent once', async () => {
  let sent = 0
  const server = createServer((request, response) => {
    sent += 1
    request.resume()
    response.writeHead(400).end()
  })
  await using receiver = await listenOnLoopback(server)
  const target = { url: new URL(receiver.url), secrets: [secret] }
  const delivery = await deliver(exchange, { id: 'msg_1', body: '{}' }, target, deps(new VirtualClock(Date.now())))
  expect([delivery.kind, sent]).toEqual(['failed', 1])
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
