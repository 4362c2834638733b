import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeyLogin, LoginServer } from '../../src/account.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { run } from '../cli/run-command.ts'
import { runDoctor } from '../doctor/run-doctor.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { createKeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm, WORKER_API } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { openLogin } from './open-login.ts'
import { createRsaKey, toJwks, toPem } from './signing-keys.ts'

const forever = new AbortController().signal
const keycloak = getSharedKeycloak()
const key = createRsaKey()

/** Its issuer is a name that nobody answers to; everything is asked at the server's own address. */
let realm: Realm
let issuer: string
beforeAll(async () => {
  realm = await createRealm(keycloak)
  issuer = `https://login.invalid/realms/${realm.name}`
  const jwks = await toJwks([[key, { kid: 'k', alg: 'RS256' }]])
  await createKeycloakClient(realm, 'by-key', {
    clientAuthenticatorType: 'client-jwt',
    attributes: { 'use.jwks.string': 'true', 'jwks.string': jwks },
  })
  await realm.admin.put(`/${realm.name}`, { attributes: { frontendUrl: 'https://login.invalid' } })
})
afterAll(() => realm.remove())

describe('a realm whose issuer is another name than its address', () => {
  const byKey = (server: LoginServer): KeyLogin => ({
    server,
    clientId: 'by-key',
    scopes: [],
    method: 'private_key_jwt',
    keyFile: '/key',
  })
  const logIn = (server: LoginServer) =>
    openLogin(byKey(server), { files: { '/key': toPem(key) } }).requestToken(undefined, forever)

  test('gives tokens to an assertion when both are known', async () => {
    const token = await logIn({ issuer, tokenUrl: realm.tokenUrl })
    expect(decodeJwt(token.value)).toMatchObject({ iss: issuer, azp: 'by-key' })
  })

  test('says what is missing when one is', async () => {
    const { message: withoutUrl } = await failureOf(logIn({ issuer: realm.issuer }))
    expect(withoutUrl).toContain(
      `has the issuer "${issuer}": set OIDC_ISSUER to exactly that; if this machine can't reach`,
    )
    const { message: withoutIssuer } = await failureOf(logIn({ tokenUrl: realm.tokenUrl }))
    expect(withoutIssuer).toMatch(/Invalid token audience.*OIDC_ISSUER, also together with TOKEN_URL/)
  })

  test('lets callers in by keys at its address', async () => {
    const caller = await realm.createCaller()
    const login = openLogin({
      server: { tokenUrl: realm.tokenUrl },
      clientId: caller.clientId,
      scopes: [],
      method: 'client_secret_basic',
      secret: { value: caller.clientSecret },
    })
    const { value } = await login.requestToken(undefined, forever)
    const authorize = createAuthorize({ issuer, jwksUrl: realm.jwksUrl, ...WORKER_API })
    expect(await authorize(`Bearer ${value}`)).toMatchObject({ allowed: true })
  })

  test('is diagnosed and set up at its address', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-names-'))
    try {
      await writeFile(join(folder, 'admin'), keycloak.adminPassword, { mode: 0o600 })
      await writeFile(join(folder, 'secret'), realm.clientSecret, { mode: 0o600 })
      const env = {
        OIDC_ISSUER: issuer,
        TOKEN_URL: realm.tokenUrl,
        CLIENT_ID: realm.clientId,
        CLIENT_SECRET_FILE: join(folder, 'secret'),
        DATA_DIR: join(folder, 'data'),
      }
      const { find, failed } = await runDoctor(env)
      expect(failed.filter(id => id !== 'job-roles')).toEqual([])
      expect(find('claims')).toMatchObject({ status: 'ok' })
      const other = await runDoctor({ ...env, OIDC_ISSUER: 'https://login.invalid/realms/other' })
      expect(other.find('claims')).toMatchObject({
        status: 'warn',
        detail: `the token's issuer is ${issuer}, but OIDC_ISSUER is https://login.invalid/realms/other`,
      })
      const administrator = {
        KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
        KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
      }
      const { code, out, err } = await run({ ...env, ...administrator }, 'provision', '--dry-run', '--role', 'viewer')
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain(`client "sync-worker" of realm "${realm.name}"`)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
