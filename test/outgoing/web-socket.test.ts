import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import { WorkerError } from '../../src/errors.ts'
import { createSubscriptionClient } from '../../src/hasura/subscription-client.ts'
import { createSlots } from '../../src/outgoing/slots.ts'
import { useProxies } from '../../src/outgoing/use-proxies.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createKnownSecrets } from '../../src/words/known-secrets.ts'
import { startSocketServer } from '../hasura/socket-server.ts'
import { ensureCertificateAuthority, hasOpenssl } from '../services/certificates.ts'
import { startProxy, type TestProxy } from '../services/start-proxy.ts'

/** As a user's account opens connections for subscriptions. */
async function connectTo(url: string): Promise<'opened' | WorkerError> {
  const token = new Token('a-token', Number.MAX_SAFE_INTEGER)
  const client = createSubscriptionClient({
    url,
    role: 'viewer',
    tokens: { peek: () => undefined, get: async () => token, replace: async () => token, drop() {} },
    clock: systemClock,
    slots: createSlots(1),
    secrets: createKnownSecrets(),
  })
  try {
    const connection = await client.connect(new AbortController().signal)
    connection.close()
    await connection.closed
    return 'opened'
  } catch (error) {
    if (error instanceof WorkerError) return error
    throw error
  }
}

describe.skipIf(!hasOpenssl)('a WebSocket over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-sockets-'))
  const trusted = getCACertificates('default')
  let authority: ReturnType<typeof ensureCertificateAuthority>
  let server: Awaited<ReturnType<typeof startSocketServer>>
  let proxy: TestProxy
  beforeAll(async () => {
    authority = ensureCertificateAuthority(folder)
    const { certificateFile, keyFile } = authority.issueForLoopback('server')
    server = await startSocketServer({}, { cert: readFileSync(certificateFile), key: readFileSync(keyFile) })
    proxy = await startProxy()
  })
  afterAll(async () => {
    proxy.stop()
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })
  afterEach(() => {
    setDefaultCACertificates(trusted)
    Object.assign(proxy, { refusesWith: undefined, closes: false })
    proxy.connected.length = 0
  })
  /** What NODE_EXTRA_CA_CERTS does when a process starts. */
  const trustAuthority = () => setDefaultCACertificates([...trusted, authority.certificate])

  test('trusts the authorities that other requests trust', async () => {
    trustAuthority()
    expect(await connectTo(server.url)).toBe('opened')
  })

  test('names what to do about another authority', async () => {
    const { port } = new URL(server.url)
    expect(await connectTo(`https://localhost:${port}/v1/graphql`)).toMatchObject({
      code: 'network',
      found: expect.stringContaining('not trusted'),
      remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    })
  })

  test.each([
    ['through the proxy for https', { https: true, except: '' }, 1],
    ['through the proxy for http, where there is no other', { https: false, except: '' }, 1],
    ['directly to an exception', { https: true, except: '127.0.0.1' }, 0],
  ])('goes %s', async (_, { https, except }, connected) => {
    trustAuthority()
    using _proxies = useProxies({ [https ? 'https' : 'http']: proxy.url, except })
    expect(await connectTo(server.url)).toBe('opened')
    expect(proxy.connected).toHaveLength(connected)
  })

  test.each([403, 407, 502])('tells that the proxy refuses it with %d', async status => {
    trustAuthority()
    using _proxies = useProxies({ https: proxy.url, except: '' })
    proxy.refusesWith = status
    const before = server.attempts
    expect(await connectTo(server.url)).toMatchObject({ code: 'network', found: expect.stringContaining('the proxy') })
    expect(server.attempts).toBe(before)
  })

  test('ends when the proxy closes the connection, and is not retried automatically', async () => {
    trustAuthority()
    using _proxies = useProxies({ https: proxy.url, except: '' })
    proxy.closes = true
    expect(await connectTo(server.url)).toMatchObject({ code: 'network', found: expect.stringContaining('the proxy') })
    expect(proxy.connected).toHaveLength(1)
  })
})
