import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exchange, type Limits } from '../../src/outgoing/exchange.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'

const limits: Limits = { timeoutMs: 10_000, maxBytes: 1_024, ifTooLarge: 'ask for less' }

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = await listenOnLoopback(createServer(answer))
  return { ...server, host: `127.0.0.1:${server.port}`, url: `${server.url}/a?secret=canary` }
}

describe('an answer', () => {
  const asItIs = (body: Buffer) => body
  const encodings: [encoding: string, how: string, pack: (body: Buffer) => Buffer][] = [
    ['identity', 'not at all', asItIs],
    ['gzip', 'gzip', gzipSync],
    ['X-GZIP', 'gzip', gzipSync],
    ['identity, gzip', 'gzip', gzipSync],
    ['gzip,utf-8', 'gzip', gzipSync],
    ['deflate', 'with a zlib header', deflateSync],
    ['deflate', 'without a zlib header', deflateRawSync],
    ['br', 'brotli', brotliCompressSync],
    ['utf-8', 'not at all', asItIs],
    ['none', 'not at all', asItIs],
    ['', 'not at all', asItIs],
  ]

  test.each(encodings)('comes as it was before it was packed (%s, %s)', async (encoding, _how, pack) => {
    let content = Buffer.alloc(0)
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(pack(content))
    })
    const bodies = fc.uint8Array({ maxLength: limits.maxBytes })
    await fc.assert(
      fc.asyncProperty(bodies, async bytes => {
        content = Buffer.from(bytes)
        const { body } = await exchange(server.url, {}, { ...limits, maxBytes: 2_048 })
        expect(body.equals(content)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test.each(encodings)('may be as large as its limit and no larger (%s, %s)', async (encoding, _how, pack) => {
    let bytes = limits.maxBytes
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).write(pack(Buffer.alloc(bytes)))
      response.end()
    })
    expect((await exchange(server.url, {}, limits)).body).toHaveLength(bytes)
    bytes += 1
    await expect(exchange(server.url, {}, limits)).rejects.toMatchObject({
      code: 'too-large',
      message: `The response from ${server.host} is larger than 1 KB: ask for less`,
    })
  })

  test.each(['zstd', 'compress', 'gzip, gzip', 'br, gzip'])(
    'in a coding that is not read is refused (%s)',
    async encoding => {
      await using server = await serve((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end('?')
      })
      await expect(exchange(server.url, {}, limits)).rejects.toMatchObject({ code: 'UNKNOWN_CONTENT_ENCODING' })
    },
  )

  test('without a body may announce what another one would have', async () => {
    await using server = await serve((request, response) => {
      response.writeHead(request.method === 'HEAD' ? 200 : 304, { 'content-length': 9_999 }).end()
    })
    for (const method of ['HEAD', 'GET']) {
      expect((await exchange(server.url, { method }, limits)).body).toHaveLength(0)
    }
  })

  test('that redirects is an answer like any other', async () => {
    let requests = 0
    await using server = await serve((_request, response) => {
      requests += 1
      response.writeHead(307, { location: '/b' }).end()
    })
    expect((await exchange(server.url, { method: 'POST', body: 'x' }, limits)).status).toBe(307)
    expect(requests).toBe(1)
  })
})

describe('a request', () => {
  test('is sent as fetch would send it', async () => {
    await using server = await serve(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString()
      response.end(
        JSON.stringify({ method: request.method, url: request.url, type: request.headers['content-type'], body }),
      )
    })
    const body = new URLSearchParams({ a: 'b c' })
    expect(JSON.parse(String((await exchange(server.url, { method: 'POST', body }, limits)).body))).toEqual({
      method: 'POST',
      url: '/a?secret=canary',
      type: 'application/x-www-form-urlencoded;charset=UTF-8',
      body: 'a=b+c',
    })
  })

  test('ends with the reason of who waits for it, or at its own limit', async () => {
    await using server = await serve(() => {})
    const leaving = new AbortController()
    const waiting = exchange(server.url, {}, { ...limits, signal: leaving.signal })
    leaving.abort(new Error('leaving'))
    await expect(waiting).rejects.toThrow('leaving')
    await expect(exchange(server.url, {}, { ...limits, timeoutMs: 20 })).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})
