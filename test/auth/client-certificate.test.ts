import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates, TLSSocket } from 'node:tls'
import { UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { CertificateLogin, SecretLogin } from '../../src/account.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import {
  type CertificateAuthority,
  type CertificateFiles,
  createSelfSigned,
  ensureCertificateAuthority,
  hasOpenssl,
} from '../services/certificates.ts'
import { openLogin } from './open-login.ts'

const forever = new AbortController().signal

/** A token endpoint that writes down the certificates which it was shown. */
async function serve(server: Server): Promise<{ tokenUrl: string; shown: string[] }> {
  const shown: string[] = []
  server.on('request', (request, response) => {
    const peer = request.socket instanceof TLSSocket ? request.socket.getPeerCertificate() : undefined
    shown.push(String(peer?.subject?.CN))
    const token = { access_token: new UnsecuredJWT({}).encode(), token_type: 'Bearer', expires_in: 60 }
    if (request.url === '/moved') response.writeHead(302, { location: '/token' }).end()
    else if (request.url === '/empty') response.writeHead(204).end()
    else if (request.url === '/cut')
      response.writeHead(200, { 'content-length': '999' }).write('{', () => response.destroy())
    else if (request.url !== '/hang')
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  return { tokenUrl: `https://127.0.0.1:${port}/token`, shown }
}

function read({ certificateFile, keyFile }: CertificateFiles) {
  return { cert: readFileSync(certificateFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
}

describe.skipIf(!hasOpenssl)('over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-certificates-'))
  const trusted = getCACertificates('default')
  let authority: CertificateAuthority
  let server: Server
  let endpoint: Awaited<ReturnType<typeof serve>>
  let client: { cert: string; key: string }

  beforeAll(async () => {
    authority = ensureCertificateAuthority(folder)
    setDefaultCACertificates([...trusted, authority.certificate])
    client = read(authority.issueForClient('client'))
    const options = { ...read(authority.issueForLoopback('server')), ca: authority.certificate }
    server = createServer({ ...options, requestCert: true, rejectUnauthorized: true })
    endpoint = await serve(server)
  })
  afterAll(() => {
    server.close()
    server.closeAllConnections()
    setDefaultCACertificates(trusted)
    rmSync(folder, { recursive: true, force: true })
  })

  function open({ cert, key }: { cert: string; key: string }, path = '/token', timeoutMs = 5_000) {
    const login: CertificateLogin = {
      server: { tokenUrl: new URL(path, endpoint.tokenUrl).href },
      clientId: 'sync',
      scopes: [],
      method: 'tls_client_auth',
      certificateFile: '/certificate',
      keyFile: '/key',
    }
    return openLogin(login, { files: { '/certificate': cert, '/key': key }, timeoutMs })
  }

  test('a client shows its certificate', async () => {
    await open(client).requestToken(undefined, forever)
    expect(endpoint.shown.at(-1)).toBe('client')
  })

  test('a client continues with a rotated certificate, although the server only hangs up on the old one', async () => {
    const stranger = read(createSelfSigned(mkdtempSync(join(folder, 'other-')), 'stranger'))
    const login = open(stranger)
    const error = await failureOf(login.requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'OutageError', code: 'token-endpoint' })
    expect(error.message).toMatch(
      /cut off \(\w+\), perhaps because the server refuses the client certificate \(subject "CN=stranger"/,
    )
    login.files.set('/certificate', client.cert).set('/key', client.key)
    await login.requestToken(undefined, forever)
    expect(endpoint.shown.at(-1)).toBe('client')
  })

  test.each([
    ['redirects', '/moved', /it redirects to another path \(HTTP 302\)/],
    ['answers with nothing', '/empty', /not JSON/],
    ['cuts its answer off', '/cut', /cut off/],
    ['hangs', '/hang', /in time/],
  ])('an endpoint that %s is told as without a certificate', async (_name, path, sentence) => {
    const error = await failureOf(open(client, path, 1_000).requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'OutageError', code: 'token-endpoint' })
    expect(error.message).toMatch(sentence)
  })

  test('who waits can leave with a reason of its own', async () => {
    const leaving = new AbortController()
    const waiting = open(client, '/hang').requestToken(undefined, leaving.signal)
    setTimeout(() => leaving.abort(new Error('leaving')), 50)
    await expect(waiting).rejects.toThrow('leaving')
  })

  test.each<[string, () => { cert: string; key: string }, RegExp]>([
    ['a key of another', () => ({ ...client, key: read(authority.issueForClient('b')).key }), /does not match/],
    ['the key as certificate', () => ({ ...client, cert: client.key }), /\/certificate .*holds no certificate/],
    ['the certificate as key', () => ({ ...client, key: client.cert }), /\/key .*begins with a CERTIFICATE/],
    [
      'a certificate that was cut',
      () => ({ ...client, cert: client.cert.slice(0, 300) }),
      /certificate that can't be read/,
    ],
    [
      'a certificate whose line breaks are written out',
      () => ({ ...client, cert: client.cert.replaceAll('\n', String.raw`\n`) }),
      /\/certificate .*certificate whose line breaks are written as \\n/,
    ],
  ])('%s is told before anything is sent', async (_name, files, sentence) => {
    const sent = endpoint.shown.length
    const error = await failureOf(open(files()).requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'RefusalError', code: 'client-auth' })
    expect(error.message).toMatch(sentence)
    expect(endpoint.shown).toHaveLength(sent)
  })

  test.each(['issuer', 'tokenUrl'])('a self-signed server by %s is told with what makes it trusted', async kind => {
    const files = read(createSelfSigned(mkdtempSync(join(folder, 'self-')), 'localhost'))
    const selfSigned = createServer(files)
    const { tokenUrl } = await serve(selfSigned)
    const login: SecretLogin = {
      server: kind === 'issuer' ? { issuer: tokenUrl } : { tokenUrl },
      clientId: 'sync',
      scopes: [],
      method: 'client_secret_basic',
      secret: { value: 'canary' },
    }
    const error = await failureOf(openLogin(login).requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'OutageError', code: 'token-endpoint' })
    expect(error.message).toMatch(
      /certificate is not trusted \(DEPTH_ZERO_SELF_SIGNED_CERT\): set NODE_EXTRA_CA_CERTS to the file/,
    )
    selfSigned.close()
  })
})
