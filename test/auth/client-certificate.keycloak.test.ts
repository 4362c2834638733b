import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { CertificateLogin } from '../../src/account.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import {
  type CertificateAuthority,
  type CertificateFiles,
  createSelfSigned,
  ensureCertificateAuthority,
} from '../services/certificates.ts'
import { createKeycloakClient, type KeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { type OpenedLogin, openLogin } from './open-login.ts'

const forever = new AbortController().signal
const keycloak = getSharedKeycloak()

describe.skipIf(!keycloak.https)('tls_client_auth', () => {
  let realm: Realm
  let authority: CertificateAuthority
  let client: KeycloakClient
  let ownFolder: string
  const trusted = getCACertificates('default')

  beforeAll(async () => {
    ownFolder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-certificates-'))
    authority = ensureCertificateAuthority(keycloak.https?.authorityFolder ?? '')
    // What NODE_EXTRA_CA_CERTS does when a process starts.
    setDefaultCACertificates([...trusted, authority.certificate])
    realm = await createRealm(keycloak)
    client = await createKeycloakClient(realm, 'by-certificate', { clientAuthenticatorType: 'client-x509' })
    await setSubject('first')
  })
  afterAll(async () => {
    setDefaultCACertificates(trusted)
    await rm(ownFolder, { recursive: true, force: true })
    await realm.remove()
  })

  async function setSubject(name: string): Promise<void> {
    const attributes = { 'x509.subjectdn': `CN=${name}`, 'x509.allow.regex.pattern.comparison': 'false' }
    await client.change({ attributes })
  }

  function open(shown: CertificateFiles, change: Partial<CertificateLogin> = {}): OpenedLogin {
    const login: CertificateLogin = {
      server: { issuer: `${keycloak.https?.url}/realms/${realm.name}` },
      scopes: [],
      clientId: client.clientId,
      method: 'tls_client_auth',
      certificateFile: '/certificate',
      keyFile: '/key',
      ...change,
    }
    return openLogin(login, { files: filesOf(shown) })
  }

  async function expectToken({ requestToken }: OpenedLogin): Promise<void> {
    const { value } = await requestToken(undefined, forever)
    // Keycloak binds the token to the certificate only where it is told to, which no API of ours would understand.
    expect(decodeJwt(value)).toMatchObject({ azp: 'by-certificate' })
    expect(decodeJwt(value)).not.toHaveProperty('cnf')
  }

  async function refusalOf(login: OpenedLogin): Promise<string> {
    const error = await failureOf(login.requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'RefusalError', code: 'client-auth', scope: 'account' })
    return error.message
  }

  test('gets a token, by discovery and with only the token endpoint', async () => {
    const shown = authority.issueForClient('first')
    await expectToken(open(shown))
    const tokenUrl = `${keycloak.https?.url}/realms/${realm.name}/protocol/openid-connect/token`
    await expectToken(open(shown, { server: { tokenUrl } }))
  })

  test('continues with a certificate that was rotated between two tokens', async () => {
    const login = open(authority.issueForClient('first'))
    await expectToken(login)
    await setSubject('second')
    for (const [path, text] of Object.entries(filesOf(authority.issueForClient('second')))) login.files.set(path, text)
    await expectToken(login)
    await setSubject('first')
  })

  test('is refused with the certificate of another', async () => {
    expect(await refusalOf(open(authority.issueForClient('another')))).toMatch(
      /its certificate has another subject.*subject "CN=another", valid until 20\d\d-.*Subject DN/,
    )
  })

  test('is refused with a certificate that nobody vouches for', async () => {
    expect(await refusalOf(open(createSelfSigned(ownFolder, 'first')))).toMatch(
      /refused the client certificate \(subject "CN=first".*truststore/,
    )
  })

  test('that is refused is told with a subject that Keycloak takes as it stands, exactly and as an expression', async () => {
    const shown = authority.issueForClient('first/O=Wiki/C=CH')
    const subject = /subject "([^"]+)"/.exec(await refusalOf(open(shown)))?.[1] ?? ''
    expect(subject).toBe('C=CH, O=Wiki, CN=first')
    for (const isExpression of ['true', 'false']) {
      const attributes = { 'x509.subjectdn': subject, 'x509.allow.regex.pattern.comparison': isExpression }
      await client.change({ attributes })
      await expectToken(open(shown))
    }
    await setSubject('first')
  })

  test('is refused over http, where no certificate is shown', async () => {
    const { issuer } = realm
    expect(await refusalOf(open(authority.issueForClient('first'), { server: { issuer } }))).toMatch(/is not https/)
  })

  test('is told from a client that authenticates otherwise', async () => {
    const { clientId } = realm
    expect(await refusalOf(open(authority.issueForClient('first'), { clientId }))).toMatch(/Client Authenticator/)
  })

  test('says what to mend', async () => {
    const login = open(authority.issueForClient('first'))
    await client.change({ enabled: false })
    expect(await refusalOf(login)).toMatch(/unknown or disabled.*is enabled \(Clients/)
    await client.change({ enabled: true, serviceAccountsEnabled: false })
    expect(await refusalOf(login)).toMatch(/Service account roles/)
    await client.change({ serviceAccountsEnabled: true })
    await expectToken(login)
  })

  test('says how to trust an authority that Node does not know', async () => {
    setDefaultCACertificates(trusted)
    const error = await failureOf(open(authority.issueForClient('first')).requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'OutageError', code: 'token-endpoint' })
    expect(error.message).toMatch(/not trusted.*NODE_EXTRA_CA_CERTS/)
    setDefaultCACertificates([...trusted, authority.certificate])
  })
})

function filesOf({ certificateFile, keyFile }: CertificateFiles): Record<string, string> {
  return { '/certificate': readFileSync(certificateFile, 'utf8'), '/key': readFileSync(keyFile, 'utf8') }
}
