import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeNetworkFailure } from '../../src/failures/network-failure.ts'
import { createCertificateExchange, type Exchange, exchange } from '../../src/outgoing/exchange.ts'
import { type Proxies, useProxies } from '../../src/outgoing/use-proxies.ts'
import { ensureCertificateAuthority, hasOpenssl } from '../services/certificates.ts'
import { listen, startProxy, type TestProxy } from '../services/start-proxy.ts'

const limits = { timeoutMs: 10_000, maxBytes: 1_024, ifTooLarge: 'ask for less' }

describe.skipIf(!hasOpenssl)('behind a proxy', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-proxies-'))
  const trusted = getCACertificates('default')
  let proxy: TestProxy
  let servers: Server[]
  let plainPort: number
  let tlsPort: number
  let withCertificate: Exchange

  beforeAll(async () => {
    const authority = ensureCertificateAuthority(folder)
    setDefaultCACertificates([...trusted, authority.certificate])
    const read = (files: { certificateFile: string; keyFile: string }) => ({
      cert: readFileSync(files.certificateFile, 'utf8'),
      key: readFileSync(files.keyFile, 'utf8'),
    })
    withCertificate = createCertificateExchange(read(authority.issueForClient('client')))
    const tls = { ...read(authority.issueForLoopback('server')), ca: authority.certificate, requestCert: true }
    const plain = createServer((_request, response) => response.end('plain'))
    const secure = createTlsServer({ ...tls, rejectUnauthorized: false }, (_request, response) =>
      response.end('secure'),
    )
    servers = [plain, secure]
    plainPort = await listen(plain)
    tlsPort = await listen(secure)
    proxy = await startProxy()
  })
  afterAll(() => {
    proxy.stop()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
    setDefaultCACertificates(trusted)
    rmSync(folder, { recursive: true, force: true })
  })

  type Ways = Record<string, () => [Exchange, string]>
  const ways: Ways = {
    'a plain request': () => [exchange, `http://localhost:${plainPort}/`],
    'a request over TLS': () => [exchange, `https://localhost:${tlsPort}/`],
    'a request with a client certificate': () => [withCertificate, `https://localhost:${tlsPort}/`],
  }

  async function ask(way: () => [Exchange, string], proxies: Omit<Proxies, 'except'> & { except?: string }) {
    using _proxies = useProxies({ except: '', ...proxies })
    proxy.connected.length = 0
    const [send, url] = way()
    const { body } = await send(url, { method: 'POST', body: 'x' }, limits)
    return { answer: String(body), asked: [...proxy.connected], host: new URL(url).host }
  }

  test.each(Object.entries(ways))('%s goes through the proxy', async (_name, way) => {
    const { answer, asked, host } = await ask(way, { http: proxy.url, https: proxy.url })
    expect(answer).toMatch(/plain|secure/)
    expect(asked).toEqual([host])
  })

  test.each(Object.entries(ways))('%s goes to a named exception directly', async (_name, way) => {
    const { answer, asked } = await ask(way, { http: proxy.url, https: proxy.url, except: 'a.example,localhost' })
    expect(answer).toMatch(/plain|secure/)
    expect(asked).toEqual([])
  })

  test.each([
    ['a request over TLS', exchange],
    ['a request with a client certificate', (...given: Parameters<Exchange>) => withCertificate(...given)],
  ] satisfies [string, Exchange][])('%s goes directly to every host below a named exception', async (_name, send) => {
    const below = (): [Exchange, string] => [send, 'https://host.named.invalid/']
    for (const except of ['named.invalid', '.named.invalid', '*.named.invalid', 'a.example, named.invalid']) {
      await expect(ask(below, { https: proxy.url, except })).rejects.toThrow()
      expect(proxy.connected, except).toEqual([])
    }
    const itself = (): [Exchange, string] => [send, 'https://named.invalid/']
    for (const except of ['named.invalid', '.named.invalid', '*.named.invalid']) {
      await expect(ask(itself, { https: proxy.url, except })).rejects.toThrow()
      expect(proxy.connected, except).toEqual([])
    }
    proxy.closes = true
    await ask(below, { https: proxy.url, except: 'amed.invalid,invalid.named' }).catch(() => {})
    proxy.closes = false
    expect(proxy.connected).toEqual(['host.named.invalid:443'])
  })

  test.each(Object.entries(ways))('%s that the proxy refuses was never sent', async (_name, way) => {
    for (const [status, words] of [
      [403, /^the proxy refused to connect to the server \(HTTP 403\)/],
      [407, /^the proxy requires a user and a password/],
      [502, /^the proxy could not connect to the server \(HTTP 502\)/],
    ] as const) {
      proxy.refusesWith = status
      const failure = await ask(way, { http: proxy.url, https: proxy.url }).catch(describeNetworkFailure)
      proxy.refusesWith = undefined
      expect(failure).toMatchObject({ neverSent: true, words: expect.stringMatching(words) })
    }
  })

  test.each([
    ['a plain request', 'http://localhost:1', /^the proxy can't be reached, the connection was refused/],
    ['a request over TLS', 'http://proxy.invalid:3128', /^the proxy can't be reached, the host/],
  ])('%s fails because of a proxy that is down, not of its server', async (name, down, words) => {
    const failure = await ask(ways[name] ?? expect.fail(), { http: down, https: down }).catch(describeNetworkFailure)
    expect(failure).toMatchObject({
      neverSent: true,
      words: expect.stringMatching(words),
      remedy: expect.stringMatching(/^check that the proxy runs/),
    })
  })

  test('a proxy without TLS is told as such', async () => {
    const overTls = proxy.url.replace('http:', 'https:')
    const asked = ask(() => [exchange, `http://localhost:${plainPort}/`], { http: overTls })
    expect(await asked.catch(describeNetworkFailure)).toMatchObject({
      words: expect.stringMatching(/^the proxy can't be reached/),
      remedy: expect.stringMatching(/https:\/\/ only if it expects TLS itself/),
    })
  })

  test.each(Object.entries(ways))(
    '%s ends where the proxy closes the connection, and is not made again',
    async (_name, way) => {
      proxy.closes = true
      const failure = await ask(way, { http: proxy.url, https: proxy.url }).catch(describeNetworkFailure)
      proxy.closes = false
      expect(failure).toMatchObject({ neverSent: true, words: expect.stringMatching(/^the proxy /) })
      expect(proxy.connected).toHaveLength(1)
    },
  )

  test('a proxy over TLS is connected to once, over HTTP/1.1 although it prefers HTTP/2', async () => {
    const { certificateFile, keyFile } = ensureCertificateAuthority(folder).issueForLoopback('proxy')
    const tls = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) }
    const secure = createSecureServer({ ...tls, allowHTTP1: true })
    let handshakes = 0
    secure.on('secureConnection', () => handshakes++)
    const overTls = await startProxy(secure)
    const { answer, asked, host } = await ask(() => [exchange, `http://localhost:${plainPort}/`], {
      http: overTls.url.replace('http:', 'https:').replace('127.0.0.1', 'localhost'),
    }).finally(overTls.stop)
    expect({ answer, handshakes }).toEqual({ answer: 'plain', handshakes: 1 })
    expect([...overTls.connected, ...asked]).toEqual([host])
  })

  test("so does a job's own fetch, whose undici is Node's", async () => {
    using _proxies = useProxies({ http: proxy.url, except: '' })
    proxy.connected.length = 0
    const answer = await fetch(`http://localhost:${plainPort}/`, { method: 'POST', body: 'x' })
    expect([await answer.text(), ...proxy.connected]).toEqual(['plain', `localhost:${plainPort}`])
  })

  test('a proxy for http serves https too, and one for https not http', async () => {
    const [plain, secure] = [ways['a plain request'], ways['a request over TLS']]
    if (!plain || !secure) throw new Error('A way is missing')
    expect((await ask(secure, { http: proxy.url })).asked).toHaveLength(1)
    expect((await ask(plain, { https: proxy.url })).asked).toHaveLength(0)
  })
})
