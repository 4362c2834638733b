import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { describeNetworkFailure } from '../../src/failures/network-failure.ts'
import { createBoundedDispatcher } from '../../src/outgoing/bounded-dispatcher.ts'
import { exchange } from '../../src/outgoing/exchange.ts'

const limits = { timeoutMs: 10_000, maxBytes: 1_024, ifTooLarge: 'ask for less' }

/** A server that does this with each connection. */
async function serve(onConnection: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    onConnection(socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** A fatal TLS alert (RFC 8446, section 6) instead of the server's part of the handshake. */
const alert = (description: number) => (socket: Socket) =>
  socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description])))

const clients: [client: string, ask: (url: string) => Promise<unknown>][] = [
  ['an exchange', url => exchange(url, { method: 'POST', body: '{}' }, limits)],
  [
    'a library’s fetch',
    url => {
      const dispatcher: object = { dispatcher: createBoundedDispatcher(limits) }
      return fetch(url, { method: 'POST', body: '{}', ...dispatcher })
    },
  ],
]

describe.each(clients)('%s that fails', (_client, ask) => {
  async function failureAt(url: string) {
    return describeNetworkFailure(
      await ask(url).then(
        () => 'no failure',
        error => error,
      ),
    )
  }

  test.each<[string, (socket: Socket) => void, RegExp, RegExp]>([
    ['is cut off', socket => socket.once('data', () => socket.destroy()), /cut off \(ECONNRESET\)/, /^$/],
    ['is reset', socket => socket.once('data', () => socket.resetAndDestroy()), /cut off \(ECONNRESET\)/, /^$/],
    ['finds no common cipher', alert(40), /TLS failed \(ERR_SSL_\S*HANDSHAKE_FAILURE\)/, /log of that server/],
    ['finds no common version', alert(70), /TLS failed \(ERR_SSL_\S*PROTOCOL_VERSION\)/, /enable TLS 1\.2/],
    ['names a host without certificate', alert(112), /TLS failed \(ERR_SSL_\S*UNRECOGNIZED_NAME\)/, /host name/],
    ['meets no TLS', socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /does not speak TLS/, /^$/],
  ])('because its TLS handshake %s was never sent', async (_how, onConnection, words, remedy) => {
    await using server = await serve(onConnection)
    const failure = await failureAt(server.url.replace('http:', 'https:'))
    expect(failure).toMatchObject({ neverSent: true, words: expect.stringMatching(words) })
    expect(failure.remedy ?? '').toMatch(remedy)
  })

  test.each<[string, (socket: Socket) => void, RegExp]>([
    ['is cut off', socket => socket.destroy(), /cut off/],
    ['is reset', socket => socket.resetAndDestroy(), /cut off/],
    ['gets what isn’t HTTP', socket => socket.end('HTTP/1.1 200 OK\r\na b: c\r\n\r\n'), /the response violates HTTP/],
  ])('because its connection %s after it was sent may have been executed', async (_how, act, words) => {
    await using server = await serve(socket => socket.once('data', () => act(socket)))
    expect(await failureAt(server.url)).toMatchObject({ neverSent: false, words: expect.stringMatching(words) })
  })
})

test.each<[string, string, RegExp, boolean]>([
  ['before a connection', 'https:', /^no connection was established in time$/, true],
  ['before the response', 'http:', /^no complete response arrived in time$/, false],
])('a deadline that ends a request %s is told as that', async (_when, protocol, words, neverSent) => {
  await using server = await serve(() => {})
  const asked = exchange(
    server.url.replace('http:', protocol),
    { method: 'POST', body: '{}' },
    { ...limits, timeoutMs: 1_000 },
  )
  const error = await asked.catch((error: unknown) => error)
  expect(describeNetworkFailure(error)).toMatchObject({ neverSent, words: expect.stringMatching(words) })
})
