import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer as createPlainServer, type RequestListener } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import type { TokenSource } from '../../src/auth/token-source.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import { interpretResponse } from '../../src/hasura/interpret-response.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createSelfSigned, hasOpenssl } from '../services/certificates.ts'
import { nginxServer, startNginx } from '../services/start-nginx.ts'

const document: TypedDocumentNode<{ __typename: string }, Record<string, never>> = parse('query Ask { __typename }')
const answer: RequestListener = (_request, response) => response.end('{"data":{"__typename":"query_root"}}')

function ask(url: string, text: string) {
  const token = new Token(text, Number.POSITIVE_INFINITY)
  const source: TokenSource = {
    get: async () => token,
    replace: async () => token,
    peek: () => undefined,
    drop() {},
  }
  const clock = new VirtualClock()
  return createHasuraClient({ url, role: 'viewer', tokens: source, clock }).query(document, {})
}

describe.runIf(nginxServer)('a token that is too large for nginx', () => {
  test('is told with its size and the setting, while a smaller one passes', async () => {
    await using upstream = await listenOnLoopback(createPlainServer({ maxHeaderSize: 65_536 }, answer))
    await using nginx = await startNginx({ '/': `http://127.0.0.1:${upstream.port}` })
    expect(await ask(nginx.url, 'x'.repeat(7_000))).toEqual({ __typename: 'query_root' })
    await expect(ask(nginx.url, 'x'.repeat(9_000))).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'claims',
      found: expect.stringMatching(
        /headers are too large \(HTTP (400|494)\), mostly because of the token of 9000 bytes/,
      ),
      remedy: expect.stringMatching(/large_client_header_buffers.*Full scope allowed/),
    })
  })
})

test('a token that is too large for Node is told with its size', async () => {
  await using server = await listenOnLoopback(createPlainServer({ maxHeaderSize: 8_192 }, answer))
  await expect(ask(`http://127.0.0.1:${server.port}`, 'x'.repeat(9_000))).rejects.toMatchObject({
    found: expect.stringMatching(/HTTP 431\), mostly because of the token of 9000 bytes/),
  })
})

test.each([
  [431, ''],
  [494, '<h1>400 Bad Request</h1>'],
  [400, '<center>Request Header Or Cookie Too Large</center>'],
  [400, 'Size of a request header field exceeds server limit.'],
  [400, '<h2>Bad Request - Request Too Long</h2>'],
])('HTTP %d with %j is about the headers', (status, body) => {
  const received = { status, headers: new Headers(), body: Buffer.from(body), tokenBytes: 9_000 }
  for (const kind of ['query', 'mutation'] as const) {
    expect(interpretResponse(received, kind, 'viewer')).toMatchObject({ error: { code: 'claims', scope: 'account' } })
  }
})

test('a page that answers 400 without a reason, as HAProxy does, is about the headers if the token is large', () => {
  const body = Buffer.from(
    '<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>\n',
  )
  const received = { status: 400, headers: new Headers({ 'content-type': 'text/html' }), body, tokenBytes: 20_000 }
  expect(interpretResponse(received, 'query', 'viewer')).toMatchObject({ error: { code: 'claims' } })
  const small = { ...received, tokenBytes: 1_500 }
  expect(interpretResponse(small, 'query', 'viewer')).toMatchObject({ error: { code: 'http-400' } })
})

test.each([502, 503, 504])('HTTP %d of a gateway is told as a Hasura that may be down', status => {
  const body = Buffer.from('<html><head><title>No server is available</title></head></html>')
  const received = { status, headers: new Headers({ 'content-type': 'text/html' }), body, tokenBytes: 900 }
  expect(interpretResponse(received, 'query', 'viewer')).toMatchObject({
    error: { remedy: expect.stringMatching(/^check that Hasura runs/) },
  })
})

test('any other 400 is not', () => {
  const received = { status: 400, headers: new Headers(), body: Buffer.from('<h1>Bad Request</h1>'), tokenBytes: 900 }
  expect(interpretResponse(received, 'query', 'viewer')).toMatchObject({ error: { code: 'http-400' } })
})

test.runIf(hasOpenssl)('a certificate that nobody vouches for is told with NODE_EXTRA_CA_CERTS', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hasura-tls-'))
  const { certificateFile, keyFile } = createSelfSigned(folder, 'hasura')
  const pem = { cert: await readFile(certificateFile), key: await readFile(keyFile) }
  await using server = await listenOnLoopback(createServer(pem, answer))
  await expect(ask(`https://127.0.0.1:${server.port}`, 'x')).rejects.toMatchObject({
    name: 'OutageError',
    found: expect.stringContaining('not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)'),
    remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  })
  await rm(folder, { recursive: true })
})
