import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import type { WebSocket } from 'ws'
import { Token } from '../../src/auth/token.ts'
import { OutageError, RateLimitedError, type WorkerError } from '../../src/errors.ts'
import { createSubscriptionClient } from '../../src/hasura/subscription-client.ts'
import { createSlots, type Slots } from '../../src/outgoing/slots.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { createKnownSecrets } from '../../src/words/known-secrets.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { until } from '../fixtures/until.ts'
import { acknowledgement, answer, type SocketScript, startSocketServer } from './socket-server.ts'

const document = parse('subscription Things { things { at } }')
/** Stands for row data, which no message may hold. */
const rowData = 'a-secret-of-a-row'

function open(
  url: string,
  { clock = systemClock, slots = createSlots(1) }: { readonly clock?: Clock; readonly slots?: Slots } = {},
) {
  const outcomes: string[] = []
  const replaced: string[] = []
  const client = createSubscriptionClient({
    url,
    role: 'viewer',
    tokens: {
      peek: () => undefined,
      get: async () => new Token('a-token', Number.MAX_SAFE_INTEGER),
      replace: async token => {
        replaced.push(token.value)
        throw new OutageError('token-endpoint', 'account', 'down')
      },
      drop() {},
    },
    clock,
    slots,
    secrets: createKnownSecrets(),
    tell: ({ outcome }) => void outcomes.push(outcome),
  })
  const stop = new AbortController()
  return { outcomes, replaced, stop, connect: () => client.connect(stop.signal) }
}

const expired = 'Could not verify JWT: JWTExpired'

const failureOf = (promise: Promise<unknown>): Promise<WorkerError> =>
  promise.then(
    () => expect.fail('it opened'),
    error => error,
  )

/** The first of all that becomes of a subscription and its connection. */
async function subscribeTo(script: SocketScript) {
  await using server = await startSocketServer(script)
  const connection = await open(server.url).connect()
  const told = Promise.withResolvers<
    { data: unknown } | { error: WorkerError; isOver: boolean } | { closed: WorkerError }
  >()
  connection.subscribe(
    document,
    {},
    {
      next: data => told.resolve({ data }),
      fail: (error, isOver) => told.resolve({ error, isOver }),
    },
  )
  void connection.closed.then(closed => told.resolve({ closed }))
  const result = await told.promise
  connection.close()
  await until(() => server.open === 0)
  return result
}

/** A server that answers a subscription with these messages; `ID` stands for its id. */
function answersWith(...texts: readonly (string | Buffer)[]): SocketScript {
  return {
    onMessage(socket, message) {
      answer(socket, message)
      if (message.type !== 'subscribe') return
      for (const text of texts) {
        if (typeof text === 'string') socket.send(text.replaceAll('ID', String(message.id)))
        else socket.send(text, { binary: false })
      }
    },
  }
}
const data = '{"type":"next","id":"ID","payload":{"data":{"things":[{"at":"1"}]}}}'

describe('a server that', () => {
  const many = (text: (n: number) => string) => Array.from({ length: 3_000 }, (_, n) => text(n))

  test.each<[string, readonly string[]]>([
    ['sends data for unknown ids', many(n => `{"type":"next","id":"${n}","payload":{"data":{}}}`)],
    [
      'refuses and completes unknown ids',
      many(
        n => `{"type":"${n % 2 ? 'complete' : 'error'}","id":"${n}"${n % 2 ? '' : ',"payload":[{"message":"no"}]'}}`,
      ),
    ],
    ['pings all the time', many(() => '{"type":"ping"}')],
    ['acknowledges again and again', many(() => acknowledgement)],
    [
      'uses names of JavaScript as ids',
      ['toString', 'constructor', 'hasOwnProperty'].map(id => `{"type":"complete","id":"${id}"}`),
    ],
  ])('%s disturbs no subscription', async (_, texts) => {
    expect(await subscribeTo(answersWith(...texts, data))).toEqual({ data: { things: [{ at: '1' }] } })
  })

  test.each<[string, string | Buffer]>([
    ['sends what is no JSON', rowData],
    ['sends a list', `["${rowData}"]`],
    ['sends an unknown type', `{"type":"${rowData}"}`],
    ['sends data without a payload', '{"type":"next","id":"ID"}'],
    ['sends a payload that is a number', '{"type":"next","id":"ID","payload":5}'],
    ['sends errors that are a text', `{"type":"next","id":"ID","payload":{"errors":"${rowData}"}}`],
    ['refuses without a list', `{"type":"error","id":"ID","payload":"${rowData}"}`],
    ['refuses without a message', `{"type":"error","id":"ID","payload":[{"extensions":{"code":"${rowData}"}}]}`],
    ['sends bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
    ['sends two megabytes', `{"type":"next","id":"ID","payload":{"data":"${'x'.repeat(2_000_000)}"}}`],
  ])('%s loses its connection, and no message tells what it sent', async (_, text) => {
    const told = await subscribeTo(answersWith(text))
    expect(told).toMatchObject({ closed: { code: 'closed' } })
    expect(JSON.stringify(told)).not.toContain(rowData)
  })

  test('sends binary frames loses its connection', async () => {
    const script: SocketScript = {
      onMessage(socket, message) {
        answer(socket, message)
        if (message.type === 'subscribe') socket.send(Buffer.from(data), { binary: true })
      },
    }
    expect(await subscribeTo(script)).toMatchObject({
      closed: {
        found: expect.stringMatching(/isn't a message of its protocol$/),
        remedy: expect.stringContaining('proxies'),
      },
    })
  })

  test.each<[string, string, object]>([
    ['has no data', '{"type":"next","id":"ID","payload":{"data":null}}', { data: null }],
    [
      'could not answer this time',
      '{"type":"next","id":"ID","payload":{"errors":[{"message":"not now"}]}}',
      { isOver: false },
    ],
    ['ends a subscription', '{"type":"complete","id":"ID"}', { isOver: true, error: { code: 'closed' } }],
    [
      'refuses a subscription',
      '{"type":"error","id":"ID","payload":[{"message":"no","extensions":{"code":"validation-failed"}}]}',
      { isOver: true },
    ],
  ])('%s is told so', async (_, text, told) => {
    expect(await subscribeTo(answersWith(text))).toMatchObject(told)
  })

  test('refuses a subscription as an older Hasura loses no other one', async () => {
    const refused = { errors: [{ message: "field 'x' not found", extensions: { code: 'validation-failed' } }] }
    const error = `{"type":"error","id":"ID","payload":${JSON.stringify(refused)}}`
    expect(await subscribeTo(answersWith(error, '{"type":"complete","id":"ID"}'))).toMatchObject({
      isOver: true,
      error: { code: 'validation-failed' },
    })
  })

  test.each<[string, (socket: WebSocket) => void]>([
    ['a message of the older protocol', socket => socket.send(`{"type":"connection_error","payload":"${expired}"}`)],
    [
      'the code of every error',
      socket => socket.close(4400, `{"server_error_msg":"4400: Connection initialization failed: ${expired}"}`),
    ],
  ])('refuses a connection by %s is told to refuse the token', async (_, refuse) => {
    await using server = await startSocketServer({ onMessage: refuse })
    const client = open(server.url)
    expect(await failureOf(client.connect())).toMatchObject({
      code: 'forbidden',
      found: expect.stringMatching(`^Hasura refused a WebSocket for role "viewer" .*${expired}`),
    })
    expect([client.outcomes, client.replaced]).toEqual([['token-rejected'], ['a-token']])
  })

  test('limits the rate of subscriptions is given the pause it asks for', async () => {
    const refused =
      '{"type":"error","id":"ID","payload":[{"message":"rate limit of 10 exceeded","extensions":{"code":"rate-limit-exceeded"}}]}'
    const told = await subscribeTo(answersWith(refused))
    expect(told).toMatchObject({ error: { code: 'rate-limited', retryAfterMs: 5_000 } })
  })

  test.each<[string, string, object]>([
    ['429 with a pause', '429 No\r\nretry-after: 7', { code: 'rate-limited', retryAfterMs: 7_000 }],
    ['429 without one', '429 No', { code: 'rate-limited', retryAfterMs: 5_000 }],
    ['503 with a pause', '503 No\r\nretry-after: 9', { code: 'upgrade', retryAfterMs: 9_000 }],
    ['403 with a pause', '403 No\r\nretry-after: 9', { code: 'upgrade', retryAfterMs: 9_000 }],
    [
      'a check for bots',
      '429 No\r\nx-vercel-mitigated: challenge',
      { code: 'upgrade', remedy: expect.stringContaining('firewall') },
    ],
    ['503', '503 No', { code: 'upgrade', remedy: expect.stringContaining('Upgrade') }],
    ['401', '401 No', { code: 'upgrade', remedy: expect.stringContaining('stands in front') }],
    ['200', '200 OK', { code: 'upgrade' }],
    [
      'a redirection',
      '302 Found\r\nlocation: /other',
      { code: 'upgrade', remedy: expect.stringContaining('HASURA_URL') },
    ],
    ['what is no HTTP', '\u0000', { code: 'network' }],
  ])('answers the request for a WebSocket with %s opens none', async (_, status, error) => {
    const onUpgrade: SocketScript['onUpgrade'] = socket =>
      void socket.end(`HTTP/1.1 ${status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
    await using server = await startSocketServer({ onUpgrade })
    const client = open(server.url)
    const failure = await failureOf(client.connect())
    expect(failure).toMatchObject(error)
    expect(client.outcomes).toEqual(['failed'])
    expect(failure instanceof RateLimitedError).toBe(failure.code === 'rate-limited')
  })
})

describe('a server that says nothing', () => {
  test.each<[string, SocketScript, RegExp]>([
    ['to the request for a WebSocket', { onUpgrade() {} }, / did not open a WebSocket within 20 s$/],
    ['to the first message', { onMessage() {} }, / did not acknowledge a WebSocket within 20 s$/],
  ])('%s is left after 20 s, and its connection closed', async (_, script, found) => {
    let messages = 0
    const count = () => {
      messages += 1
    }
    await using server = await startSocketServer(script.onMessage ? { onMessage: count } : script)
    const clock = new ManualClock()
    const failure = failureOf(open(server.url, { clock }).connect())
    await until(() => server.attempts === 1 && (script.onUpgrade || messages === 1))
    await clock.advance(20_000)
    expect(await failure).toMatchObject({ code: 'timeout', found: expect.stringMatching(found) })
    await until(() => server.open === 0)
  })

  test('any more is noticed within 20 s, without an end of the connection', async () => {
    let isSilent = false
    let id = ''
    const told = () => `{"type":"next","id":"${id}","payload":{"data":{}}}`
    await using server = await startSocketServer({
      onMessage(socket, message) {
        if (isSilent) return
        if (message.type === 'subscribe') id = String(message.id)
        answer(socket, message)
        // Comes after the pong.
        if (message.type === 'subscribe' || (message.type === 'ping' && id !== '')) socket.send(told())
      },
    })
    const clock = new ManualClock()
    const connection = await open(server.url, { clock }).connect()
    let heard = 0
    const next = () => {
      heard += 1
    }
    connection.subscribe(document, {}, { next, fail() {} })
    await until(() => heard === 1)
    for (let round = 2; round < 8; round += 1) {
      await clock.advance(10_000)
      await until(() => heard === round)
    }
    isSilent = true
    await clock.advance(20_000)
    expect(await connection.closed).toMatchObject({ code: 'timeout', found: expect.stringContaining('silent') })
    await until(() => server.open === 0)
  })

  test('in the older protocol, however seldom it sends a keep-alive, is there as long as it answers ping frames', async () => {
    await using server = await startSocketServer({ protocol: 'graphql-ws' })
    const clock = new ManualClock()
    let pongs = 0
    const count = () => {
      pongs += 1
    }
    subscribe('undici:websocket:pong', count)
    using hooks = new DisposableStack()
    hooks.defer(() => unsubscribe('undici:websocket:pong', count))
    const connection = await open(server.url, { clock }).connect()
    const closed = connection.closed.then(() => 'closed')
    for (let round = 1; round < 5; round += 1) {
      await until(() => pongs === round)
      await clock.advance(10_000)
    }
    expect(await Promise.race([closed, 'open'])).toBe('open')
    connection.close()
  })

  test('is left at once when it is closed or no longer wanted', async () => {
    await using server = await startSocketServer({
      onMessage(socket, message) {
        answer(socket, message)
        // As a machine that has gone: it reads nothing any more.
        socket.pause()
      },
    })
    const connection = await open(server.url).connect()
    connection.close()
    await connection.closed
    await using silent = await startSocketServer({ onUpgrade() {} })
    const opening = open(silent.url)
    const failure = failureOf(opening.connect())
    await until(() => silent.attempts === 1)
    opening.stop.abort(new Error('it is stopped'))
    expect(await failure).toMatchObject({ message: 'it is stopped' })
    await until(() => silent.open === 0)
  })
})

test.each<[string, SocketScript]>([
  ['when it opens', { onOpen: socket => socket.close(1000) }],
  ['in answer to the first message', { onMessage: socket => socket.close(1000) }],
  [
    'once it is acknowledged',
    {
      onMessage(socket, message) {
        answer(socket, message)
        socket.close(1000)
      },
    },
  ],
])('a connection that the server closes as normal (code 1000), %s, is not opened again', async (_, script) => {
  await using server = await startSocketServer(script)
  const { connect } = open(server.url)
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const error = await connect().then(
      ({ closed }) => closed,
      (failure: unknown) => failure,
    )
    expect(error).toMatchObject({ code: 'closed' })
    expect(server.attempts).toBe(attempt)
  }
})

test('a connection takes a slot of the account until it is acknowledged', async () => {
  const opened: WebSocket[] = []
  await using server = await startSocketServer({ onOpen: socket => void opened.push(socket), onMessage() {} })
  const slots = createSlots(1)
  const work = Promise.withResolvers<void>()
  const busy = slots(() => work.promise)
  const client = open(server.url, { slots })
  const connecting = client.connect()
  await new Promise(setImmediate)
  let hasHadTurn = false
  const next = slots(async () => {
    hasHadTurn = true
  })
  expect(server.attempts).toBe(0)
  work.resolve()
  await busy
  await until(() => opened.length === 1)
  expect(hasHadTurn).toBe(false)
  opened[0]?.send(acknowledgement)
  const connection = await connecting
  await next
  expect(client.outcomes).toEqual(['done'])
  connection.close()
})
