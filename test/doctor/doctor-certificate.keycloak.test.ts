import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import {
  type CertificateAuthority,
  type CertificateFiles,
  createSelfSigned,
  ensureCertificateAuthority,
} from '../services/certificates.ts'
import { createKeycloakClient, type KeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { runDoctor } from './run-doctor.ts'

const keycloak = getSharedKeycloak()

describe.skipIf(!keycloak.https)('an account that logs in with a certificate', () => {
  const trusted = getCACertificates('default')
  let folder: string
  let authority: CertificateAuthority
  let own: CertificateFiles
  let expired: CertificateFiles
  let realm: Realm
  let client: KeycloakClient
  let env: Record<string, string>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-doctor-'))
    authority = ensureCertificateAuthority(keycloak.https?.authorityFolder ?? '')
    // What NODE_EXTRA_CA_CERTS does when a process starts.
    setDefaultCACertificates([...trusted, authority.certificate])
    own = authority.issueForClient('doctor')
    expired = authority.issueExpired('doctor-expired')
    realm = await createRealm(keycloak)
    client = await createKeycloakClient(realm, 'by-certificate', { clientAuthenticatorType: 'client-x509' })
    await setSubject('CN=doctor')
  })
  afterAll(async () => {
    setDefaultCACertificates(trusted)
    await rm(folder, { recursive: true, force: true })
    await realm.remove()
  })
  beforeEach(() => {
    env = {
      OIDC_ISSUER: `${keycloak.https?.url}/realms/${realm.name}`,
      CLIENT_ID: client.clientId,
      CLIENT_AUTH: 'tls_client_auth',
      DATA_DIR: join(folder, 'data'),
    }
    show(own)
  })

  function show({ certificateFile, keyFile }: CertificateFiles): void {
    env = { ...env, CLIENT_CERT_FILE: certificateFile, CLIENT_KEY_FILE: keyFile }
  }

  function setSubject(subject: string): Promise<void> {
    return client.change({
      attributes: { 'x509.subjectdn': subject, 'x509.allow.regex.pattern.comparison': 'false' },
    })
  }

  async function writeOwn(name: string, text: string): Promise<string> {
    await writeFile(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }

  interface Fault {
    readonly what: string
    make(): unknown
    mend?(): unknown
    readonly detail: RegExp
    readonly hint: RegExp
    /** What an administrator sees besides. */
    readonly seen?: RegExp
  }

  const faults: readonly Fault[] = [
    {
      what: 'a certificate of another',
      make: () => show(authority.issueForClient('another')),
      detail: /invalid_client.*its certificate has another subject/,
      hint: /\(subject "CN=another", valid until \S+\) matches Clients → by-certificate → Credentials → Subject DN/,
      seen: /expects the subject "CN=doctor", but the certificate in \S+ names "CN=another"/,
    },
    {
      what: 'a certificate of nobody that Keycloak trusts',
      make: () => show(createSelfSigned(folder, 'doctor')),
      detail: /refused the client certificate \(subject "CN=doctor", .*ALERT/,
      hint: /its authority is in the truststore of the identity provider \(--truststore-paths/,
    },
    {
      what: 'a certificate that has expired',
      make: () => show(expired),
      detail: /refused the client certificate \(subject "CN=doctor-expired", valid until \d{4}-\d\d-\d\d; .*ALERT/,
      hint: /have its authority renew the certificate, which has expired/,
    },
    {
      what: 'a certificate that is meant for servers',
      make: () => show(authority.issueForLoopback('for-servers')),
      detail: /refused the client certificate \(subject "CN=for-servers"/,
      hint: /allows client authentication \(extendedKeyUsage clientAuth\)/,
    },
    {
      what: 'a certificate file that is not there',
      make: () => show({ ...own, certificateFile: '/nowhere/tls.pem' }),
      detail:
        /^The certificate file \/nowhere\/tls\.pem of client "by-certificate" can't be read, because it, .* does not exist \(ENOENT\)$/,
      hint: /^correct the path$/,
    },
    {
      what: 'a certificate file that was cut',
      make: async () => {
        const text = await readFile(own.certificateFile, 'utf8')
        show({ ...own, certificateFile: await writeOwn('cut', text.slice(0, 300)) })
      },
      detail: /^The certificate file \S+\/cut .* holds a certificate that can't be read$/,
      hint: /^copy it again, complete and unchanged$/,
    },
    {
      what: 'a key of another certificate',
      make: () => show({ ...own, keyFile: expired.keyFile }),
      detail: /^The key file \S+doctor-expired\.key .* does not match the certificate file \S+doctor\.pem .*$/,
      hint: /^replace both when the certificate is renewed$/,
    },
    {
      what: 'an address without TLS',
      make: () => {
        env = { ...env, OIDC_ISSUER: realm.issuer }
      },
      detail: /can't be sent to http:\/\/\S+, which is not https/,
      hint: /set an https address/,
    },
    {
      what: 'a client that authenticates otherwise',
      make: () => {
        env = { ...env, CLIENT_ID: realm.clientId }
      },
      detail: /unauthorized_client/,
      hint: /compare CLIENT_AUTH \(tls_client_auth\) with Clients → sync-worker → Credentials → Client Authenticator/,
      seen: /authenticates by "Client Id and Secret", but the account by "X509 Certificate"/,
    },
    {
      what: 'a client that is disabled',
      make: () => client.change({ enabled: false }),
      mend: () => client.change({ enabled: true }),
      detail: /invalid_client.*unknown or disabled/,
      hint: /is enabled \(Clients → by-certificate\)/,
      seen: /client "by-certificate" is disabled/,
    },
  ]

  test('has nothing to be told when all is well', async () => {
    expect(await runDoctor(env)).toMatchObject({ code: 0, failed: [] })
  })

  test.each(faults)('is told of $what', async ({ make, mend, detail, hint, seen }) => {
    await make()
    try {
      const { code, failed, find } = await runDoctor(env)
      expect({ code, failed }).toEqual({ code: 3, failed: ['client-auth'] })
      expect(find('client-auth').detail).toMatch(detail)
      expect(find('client-auth').hint).toMatch(hint)
      const administrator = {
        KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
        KEYCLOAK_ADMIN_PASSWORD_FILE: await writeOwn('admin', keycloak.adminPassword),
      }
      const explained = (await runDoctor({ ...env, ...administrator })).find('client-auth')
      expect(explained.detail).toMatch(seen ?? detail)
      expect(explained.hint).not.toContain('nothing more could be seen')
    } finally {
      await mend?.()
    }
  })

  test('is told that the certificate may never have reached Keycloak, where TLS ends before it', async () => {
    await using proxy = await openProxy(authority.issueForLoopback('proxy'), keycloak.url)
    const { OIDC_ISSUER: _issuer, ...rest } = env
    const tokenUrl = `${proxy.url}/realms/${realm.name}/protocol/openid-connect/token`
    const { code, failed, find } = await runDoctor({ ...rest, TOKEN_URL: tokenUrl })
    expect({ code, failed }).toEqual({ code: 3, failed: ['client-auth'] })
    expect(find('client-auth').detail).toMatch(/invalid_client.*or did not reach Keycloak/)
    expect(find('client-auth').hint).toMatch(/--https-client-auth=request\) and proxies in front of it pass TLS/)
  })
})

/** Ends TLS, and passes on what it is sent without a word of the certificate. */
async function openProxy(
  { certificateFile, keyFile }: CertificateFiles,
  target: string,
): Promise<AsyncDisposable & { readonly url: string }> {
  const [cert, key] = await Promise.all([readFile(certificateFile), readFile(keyFile)])
  const server = createServer({ cert, key, requestCert: true, rejectUnauthorized: false }, (incoming, response) => {
    const { method, headers, url = '/' } = incoming
    const outgoing = request(new URL(url, target), { method, headers }, answer => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    incoming.pipe(outgoing)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  return {
    url: `https://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await promisify(server.close.bind(server))()
    },
  }
}
