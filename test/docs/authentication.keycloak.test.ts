import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import KeycloakAdminClient from '@keycloak/keycloak-admin-client'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLogin } from '../auth/open-login.ts'
import { hasOpenssl } from '../services/certificates.ts'
import { createKeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { findCommands, readDocument } from './markdown.ts'

describe.skipIf(!hasOpenssl)('a key made by the openssl commands of docs/authentication.md', () => {
  let folder: string
  let realm: Realm
  beforeAll(async () => {
    realm = await createRealm(getSharedKeycloak())
    folder = await mkdtemp(join(tmpdir(), 'openssl-'))
    for (const command of findCommands(readDocument('docs/authentication.md'))) {
      if (command.startsWith('openssl ')) await promisify(execFile)('/bin/sh', ['-c', command], { cwd: folder })
    }
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await realm.remove()
  })

  test.each(['client', 'client-ec'])('logs in once its certificate is imported: %s', async name => {
    await createKeycloakClient(realm, name, { clientAuthenticatorType: 'client-jwt' })
    await importCertificate(name, join(folder, `${name}.pem`))
    const { requestToken } = openLogin(
      { server: { issuer: realm.issuer }, scopes: [], clientId: name, method: 'private_key_jwt', keyFile: '/key' },
      { files: { '/key': await readFile(join(folder, `${name}.key`), 'utf8') } },
    )
    const { value } = await requestToken(undefined, AbortSignal.timeout(20_000))
    expect(decodeJwt(value)).toMatchObject({ azp: name })
  })

  /** As the console's Keys → Import does it. */
  async function importCertificate(clientId: string, file: string): Promise<void> {
    const { url, adminName: username, adminPassword: password } = getSharedKeycloak()
    const admin = new KeycloakAdminClient({ baseUrl: url })
    await admin.auth({ grantType: 'password', clientId: 'admin-cli', username, password })
    admin.setConfig({ realmName: realm.name })
    const [client] = await admin.clients.find({ clientId })
    const form = new FormData()
    form.append('keystoreFormat', 'Certificate PEM')
    form.append('file', new Blob([await readFile(file)]), 'client.pem')
    await admin.clients.uploadCertificate({ id: client?.id ?? '', attr: 'jwt.credential' }, form)
  }
})
