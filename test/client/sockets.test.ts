import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createClient } from '../../packages/client/src/index.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function listen(answer: RequestListener, port = 0): Promise<number> {
  const server = createServer(answer).listen(port, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('it listens on a port')
  return address.port
}

/** Small deadlines, so that what never comes is given up soon. */
const open = (port: number) => createClient({ url: `http://127.0.0.1:${port}`, token: 'any', timeoutMs: 300 })

test.each<[string, RequestListener]>([
  ['never answers', () => {}],
  ['begins an answer and never ends it', (_request, reply) => void reply.writeHead(200).write('{"id":')],
  ['breaks each connection off', request => void request.socket.destroy()],
  [
    'answers in the middle of a body and goes',
    (_request, reply) => {
      reply.writeHead(200, { 'content-length': 100 }).write('{"id":', () => reply.socket?.destroy())
    },
  ],
])('a worker that %s ends each call with an error', async (_what, answer) => {
  const worker = open(await listen(answer))
  const unavailable = { code: 'unavailable', isTransient: true }
  await expect(worker.request('sync')).rejects.toMatchObject({ ...unavailable, idempotencyKey: expect.any(String) })
  await expect(worker.find('r1')).rejects.toMatchObject(unavailable)
  await expect(worker.changes('articles').next()).rejects.toMatchObject(unavailable)
})

test('a worker that is not there ends each call with an error', async () => {
  const port = await listen(() => {})
  servers.splice(0).forEach(server => void server.close())
  await expect(open(port).request('sync')).rejects.toMatchObject({ code: 'unavailable', isTransient: true })
})

test('a request survives a restart of the worker under one key', async () => {
  const keys: (string | undefined)[] = []
  const take: RequestListener = (request, reply) => {
    keys.push(String(request.headers['idempotency-key']))
    if (keys.length === 1) {
      request.socket.destroy()
      return
    }
    reply.writeHead(202, { 'content-type': 'application/json' }).end('{"id":"r1","absorbed":false}')
  }
  const port = await listen(take)
  const worker = createClient({ url: `http://127.0.0.1:${port}`, token: 'any' })
  expect(await worker.request('sync')).toEqual({ id: 'r1', absorbed: false })
  expect(keys).toEqual([keys[0], keys[0]])
})
