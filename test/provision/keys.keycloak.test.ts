import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Account, Login } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { getAdminLogin } from '../../src/provision/admin-login.ts'
import { openProvisioning, type Provisioning } from '../../src/provision/open-provisioning.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createRsaKey, toPem } from '../auth/signing-keys.ts'
import { ensureCertificateAuthority } from '../services/certificates.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'

const keycloak = getSharedKeycloak()
const { signal } = new AbortController()
const deps = { clock: systemClock, readSecretFile: (path: string) => readFile(path, 'utf8') }

let realm: Realm
let folder: string
beforeAll(async () => {
  realm = await createRealm(keycloak)
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-keys-'))
  await writeFile(join(folder, 'admin'), keycloak.adminPassword)
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await realm.remove()
})

async function open(login: Login): Promise<Provisioning> {
  const account: Account = { name: 'default', login }
  const environment = {
    KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
    KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
  }
  const administrator = getAdminLogin(environment, login)
  return openProvisioning(account, [], {}, administrator, deps, signal)
}

/** @returns what was done */
async function provision(login: Login, rotate = false): Promise<string[]> {
  const provisioning = await open(login)
  const { steps, obstacles } = await provisioning.plan(rotate)
  expect(obstacles).toEqual([])
  for (const step of steps) await provisioning.apply(step)
  expect((await provisioning.plan()).steps).toEqual([])
  return steps.map(({ action }) => action.kind)
}

async function expectToken(login: Login): Promise<void> {
  const { value } = await createRequestToken(login, deps)(undefined, signal)
  expect(decodeJwt(value)).toMatchObject({ azp: login.clientId })
}

const keyLogin = (clientId: string, keyId?: string): Login => ({
  server: { issuer: realm.issuer },
  clientId,
  scopes: [],
  method: 'private_key_jwt',
  keyFile: join(folder, clientId),
  ...(keyId !== undefined && { keyId }),
})

async function getKeys(clientId: string): Promise<string[]> {
  const client = z.array(z.object({ attributes: z.record(z.string(), z.string()) }))
  const [found] = await realm.admin.get(`/${realm.name}/clients?clientId=${clientId}`, client)
  const set = z.object({ keys: z.array(z.object({ kid: z.string() })) })
  return set.parse(JSON.parse(found?.attributes['jwks.string'] ?? '{"keys":[]}')).keys.map(({ kid }) => kid)
}

/** Gets tokens without pause while something is done; rejects with the first refusal. */
async function whileLoggingIn(login: Login, work: () => Promise<unknown>): Promise<void> {
  const token = createRequestToken(login, deps)
  let fetched = 0
  let stopped = false
  const worker = (async () => {
    for (; !stopped; fetched += 1) await token(undefined, signal)
  })()
  await expect.poll(() => fetched).toBeGreaterThan(2)
  await work()
  const then = fetched
  await expect.poll(() => fetched).toBeGreaterThan(then + 2)
  stopped = true
  await worker
}

describe('private_key_jwt', () => {
  test('makes a key if there is none, and only its owner may read it', async () => {
    const login = keyLogin('new-key')
    expect(await provision(login)).toEqual(['create-client', 'create-key'])
    expect((await stat(join(folder, 'new-key'))).mode & 0o777).toBe(0o600)
    await expectToken(login)
  })

  test('replaces a key under a worker that never sees a refusal, and forgets the old one', async () => {
    const login = keyLogin('new-key')
    const [before] = await getKeys('new-key')
    await whileLoggingIn(login, async () => expect(await provision(login, true)).toEqual(['rotate-key']))
    const after = await getKeys('new-key')
    expect(after).toHaveLength(1)
    expect(after).not.toContain(before)
    await expectToken(login)
  })

  test('registers a key that is there, and replaces it though its PEM has no name', async () => {
    const login = keyLogin('pem')
    await writeFile(join(folder, 'pem'), toPem(createRsaKey()))
    expect(await provision(login)).toEqual(['create-client', 'register-key'])
    await expectToken(login)
    await whileLoggingIn(login, () => provision(login, true))
    await expectToken(login)
  })

  test('leaves the keys of others beside its own', async () => {
    const login = keyLogin('pem')
    const [others = ''] = await getKeys('pem')
    await writeFile(join(folder, 'pem'), toPem(createRsaKey()))
    expect(await provision(login)).toEqual(['register-key'])
    expect(await getKeys('pem')).toEqual([others, expect.any(String)])
  })

  test('takes the name that is configured, under which no other key can be told apart', async () => {
    const login = keyLogin('named', 'mine')
    await provision(login)
    expect(await getKeys('named')).toEqual(['mine'])
    await expectToken(login)
    await expect(provision(login, true)).rejects.toMatchObject({
      message: expect.stringMatching(/CLIENT_KEY_ID fixes/),
    })
    await expectToken(login)
  })

  test('refuses a file that holds something else', async () => {
    await writeFile(join(folder, 'wrong'), 'canary')
    const provisioning = await open(keyLogin('wrong'))
    const error: unknown = await provisioning.plan().catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'client-auth', message: expect.stringMatching(/key file .*holds/) })
    expect(String(error)).not.toContain('canary')
  })
})

describe.skipIf(!keycloak.https)('tls_client_auth', () => {
  test('has Keycloak expect the subject of the certificate', async () => {
    const trusted = getCACertificates('default')
    const authority = ensureCertificateAuthority(keycloak.https?.authorityFolder ?? '')
    setDefaultCACertificates([...trusted, authority.certificate])
    try {
      const login = (name: string): Login => ({
        server: { issuer: `${keycloak.https?.url}/realms/${realm.name}` },
        clientId: 'by-certificate',
        scopes: [],
        method: 'tls_client_auth',
        ...authority.issueForClient(name),
      })
      const first = login('provisioned-1')
      expect(await provision(first)).toEqual(['create-client', 'change-client'])
      await expectToken(first)
      const second = login('provisioned-2')
      expect(await provision(second)).toEqual(['change-client'])
      await expectToken(second)
    } finally {
      setDefaultCACertificates(trusted)
    }
  })
})
