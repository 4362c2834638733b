import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, describe, expect, test } from 'vitest'
import { describeNetworkFailure } from '../../src/failures/network-failure.ts'
import { NotSentError } from '../../src/outgoing/mark-unsent.ts'
import { type CertificateAuthority, ensureCertificateAuthority, hasOpenssl } from '../services/certificates.ts'
import { listen } from '../services/start-proxy.ts'

const coded = (code: string) => Object.assign(new Error('canary'), { code })

const refusedBy = (statusCode: number) => Object.assign(coded('ERR_PROXY_TUNNEL'), { statusCode })

describe('a network failure', () => {
  test.each<[string, unknown, RegExp, boolean]>([
    [
      'a refused connection',
      new TypeError('fetch failed', { cause: coded('ECONNREFUSED') }),
      /refused \(ECONNREFUSED\)/,
      true,
    ],
    [
      'several addresses',
      new TypeError('fetch failed', { cause: new AggregateError([coded('ECONNREFUSED')]) }),
      /refused/,
      true,
    ],
    [
      'several addresses, one of which this machine has no route to',
      Object.assign(new AggregateError([coded('ENETUNREACH'), coded('ECONNREFUSED')]), { code: 'ENETUNREACH' }),
      /refused \(ECONNREFUSED\)/,
      true,
    ],
    [
      'several addresses, none of which this machine has a route to',
      new AggregateError([coded('ENETUNREACH'), coded('EADDRNOTAVAIL')]),
      /unreachable/,
      true,
    ],
    ['an unknown host', new TypeError('fetch failed', { cause: coded('ENOTFOUND') }), /the host does not exist/, true],
    [
      'a certificate',
      new TypeError('fetch failed', { cause: coded('DEPTH_ZERO_SELF_SIGNED_CERT') }),
      /not trusted/,
      true,
    ],
    [
      'a proxy that wants a password',
      new TypeError('fetch failed', { cause: new NotSentError(refusedBy(407)) }),
      /requires a user/,
      true,
    ],
    ['a proxy that refuses', refusedBy(403), /the proxy refused to connect to the server \(HTTP 403\)/, true],
    ['a proxy that finds no server', refusedBy(503), /the proxy could not connect to the server \(HTTP 503\)/, true],
    ['a proxy that refuses a certificate’s connection', coded('ERR_PROXY_TUNNEL'), /the proxy did not connect/, true],
    ['a cut', new TypeError('terminated', { cause: coded('UND_ERR_SOCKET') }), /cut off/, false],
    [
      'a cut before the request',
      new TypeError('fetch failed', { cause: new NotSentError(coded('ECONNRESET')) }),
      /cut off \(ECONNRESET\)/,
      true,
    ],
    ['a handshake', coded('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), /^TLS failed \(ERR_SSL_SSL\/TLS/, false],
    ['a timeout', new DOMException('canary', 'TimeoutError'), /in time/, false],
    ['a code of no one we know', coded('EWHATEVER'), /failed \(EWHATEVER\)/, false],
    ['no code', new TypeError('canary'), /^the connection failed$/, false],
    ['no error', 'canary', /^the connection failed$/, false],
  ])('with %s is told by its code', (_name, error, words, neverSent) => {
    const failure = describeNetworkFailure(error)
    expect(failure.words).toMatch(words)
    expect(failure.words).not.toMatch(/canary/)
    expect(failure.neverSent).toBe(neverSent)
  })

  test.each([
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /NODE_EXTRA_CA_CERTS/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /NODE_EXTRA_CA_CERTS/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /intermediate certificates.*NODE_EXTRA_CA_CERTS/],
    ['CERT_HAS_EXPIRED', /renew/],
    ['EAI_AGAIN', /DNS servers/],
    ['UND_ERR_CONNECT_TIMEOUT', /firewall.*DNS/],
    ['ERR_PROXY_TUNNEL', /HTTPS_PROXY.*NO_PROXY/],
    ['ERR_SSL_UNSAFE_LEGACY_RENEGOTIATION_DISABLED', /enable TLS 1\.2/],
    ['EPROTO', /log of that server/],
    ['ERR_SSL_EE_KEY_TOO_SMALL', /client certificate.*2048 bits/],
    ['ERR_SSL_DH_KEY_TOO_SMALL', /log of that server/],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', /without a certificate/],
    ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', /HTTP\/1\.1/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /use the host name of its certificate/],
    ['INVALID_CA', /CA:TRUE/],
    ['PATH_LENGTH_EXCEEDED', /path length/],
  ])('with %s has a remedy of its own', (code, remedy) => {
    expect(describeNetworkFailure(coded(code)).remedy ?? '').toMatch(remedy)
  })

  test('survives a cause that is its own', () => {
    const error = new Error('round')
    error.cause = error
    expect(describeNetworkFailure(error).neverSent).toBe(false)
  })
})

describe.skipIf(!hasOpenssl)('the certificate of a server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-network-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each<
    [string, (authority: CertificateAuthority) => { certificateFile: string; keyFile: string }, string, RegExp]
  >([
    ['with a weak key', authority => authority.issueWeak('weak'), 'UNSPECIFIED', /2048 bits.*openssl s_client/],
    ['for a client', authority => authority.issueForClient('client'), 'INVALID_PURPOSE', /serverAuth/],
  ])('%s is not trusted, though its authority is', async (_name, issue, code, remedy) => {
    const authority = ensureCertificateAuthority(folder)
    const { certificateFile, keyFile } = issue(authority)
    const files = { cert: readFileSync(certificateFile), key: readFileSync(keyFile) }
    const server = createServer({ ...files, ciphers: 'DEFAULT@SECLEVEL=0' })
    const client = connect({ port: await listen(server), host: '127.0.0.1', ca: authority.certificate })
    const [error]: unknown[] = await once(client, 'error')
    expect(describeNetworkFailure(error)).toEqual({
      code,
      words: `the server's certificate is not trusted (${code})`,
      neverSent: true,
      remedy: expect.stringMatching(remedy),
    })
    server.close()
  })
})
