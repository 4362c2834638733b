import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { run } from '../cli/run-command.ts'
import { runDoctor } from '../doctor/run-doctor.ts'
import { type SandboxHasura, startHasura } from '../sandbox/hasura/start-hasura.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'

const keycloak = getSharedKeycloak()

let realm: Realm
let hasura: SandboxHasura
let folder: string
let env: Record<string, string>
beforeEach(async () => {
  realm = await createRealm(keycloak, undefined, { roles: ['viewer'] })
  hasura = await startHasura({ jwt: { jwkUrl: realm.jwksUrl, issuer: realm.issuer }, requireRoleHeader: true })
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-lightweight-'))
  await writeFile(join(folder, 'admin'), keycloak.adminPassword, { mode: 0o600 })
  await writeFile(join(folder, 'secret'), realm.clientSecret, { mode: 0o600 })
  env = {
    OIDC_ISSUER: realm.issuer,
    CLIENT_ID: realm.clientId,
    CLIENT_SECRET_FILE: join(folder, 'secret'),
    HASURA_URL: hasura.url,
    DATA_DIR: join(folder, 'data'),
  }
})
afterEach(async () => {
  await hasura[Symbol.asyncDispose]()
  await realm.remove()
  await rm(folder, { recursive: true, force: true })
})

async function setOfClient(attribute = 'client.use.lightweight.access.token.enabled'): Promise<void> {
  const path = `/${realm.name}/clients/${realm.id}`
  const client = await realm.admin.get(path, z.looseObject({ attributes: z.looseObject({}).default({}) }))
  await realm.admin.put(path, { ...client, attributes: { ...client.attributes, [attribute]: 'true' } })
}

async function setPolicy(...more: readonly object[]): Promise<void> {
  const policies = `/${realm.name}/client-policies`
  const executors = [{ executor: 'use-lightweight-access-token', configuration: {} }, ...more]
  await realm.admin.put(`${policies}/profiles`, { profiles: [{ name: 'light', executors }] })
  const conditions = [{ condition: 'any-client', configuration: {} }]
  await realm.admin.put(`${policies}/policies`, {
    policies: [{ name: 'light', enabled: true, conditions, profiles: ['light'] }],
  })
}

/** Switched on by hand, as the remedies of `doctor` say. */
async function addToLightweight(scopeName: string, mapperName: string): Promise<void> {
  const list = z.array(z.looseObject({ id: z.string(), name: z.string() }))
  const scope = (await realm.admin.get(`/${realm.name}/client-scopes`, list)).find(({ name }) => name === scopeName)
  const path = `/${realm.name}/client-scopes/${scope?.id}/protocol-mappers/models`
  const mappers = await realm.admin.get(path, z.array(z.looseObject({ id: z.string(), config: z.looseObject({}) })))
  const mapper = mappers.find(({ name }) => name === mapperName)
  if (!mapper) throw new Error(`no mapper ${mapperName}`)
  await realm.admin.put(`${path}/${mapper.id}`, {
    ...mapper,
    config: { ...mapper.config, 'lightweight.claim': 'true' },
  })
}

const settings = [
  ['of the client', () => setOfClient()],
  ['of a client policy', () => setPolicy()],
] as const

test.each(settings)(
  'lightweight tokens by a setting %s are named by doctor, and set up by provision',
  async (_what, set) => {
    await set()
    const before = await runDoctor(env)
    expect(before.failed).toEqual(['claims'])
    expect(before.find('claims')).toMatchObject({
      detail: expect.stringMatching(/is lightweight and has no claim `https:\/\/hasura\.io\/jwt\/claims`$/),
      hint: expect.stringMatching(
        /Add to lightweight access token in each mapper under Client scopes → hasura → Mappers/,
      ),
    })
    expect(before.find('email')).toMatchObject({ status: 'warn', hint: expect.stringContaining('lightweight') })

    const administrator = {
      KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
      KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
    }
    const seen = await runDoctor({ ...env, ...administrator })
    expect(seen.find('claims').detail).toMatch(
      /mapper "x-hasura-default-role" writes nothing into lightweight access tokens/,
    )
    const { code, out, err } = await run({ ...env, ...administrator }, 'provision')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('turn on Add to lightweight access token for mapper "email" of client scope "email"')
    const after = await runDoctor(env)
    expect(after.failed).toEqual([])
    expect(after.find('email').status).toBe('ok')
    expect((await run({ ...env, ...administrator }, 'provision', '--dry-run')).out).toContain('Nothing')
  },
)

test.each(settings)('with refresh tokens, and by a setting %s, they lack the subject too', async (_what, set) => {
  await setOfClient('client_credentials.use_refresh_token')
  await set()
  expect((await runDoctor(env)).find('claims').detail).toMatch(/has no claim `sub`/)
  const administrator = {
    KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
    KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
  }
  const { code, out, err } = await run({ ...env, ...administrator }, 'provision')
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('turn on Add to lightweight access token for mapper "sub" of client scope "basic"')
  expect((await runDoctor(env)).failed).toEqual([])
})

test('a new client that client policies change is set up by one command', async () => {
  await setPolicy({ executor: 'full-scope-disabled', configuration: { 'auto-configure': true } })
  const { code, out, err } = await run(
    {
      ...env,
      CLIENT_ID: 'new',
      CLIENT_SECRET_FILE: join(folder, 'new'),
      KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
      KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
    },
    'provision',
  )
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/✓ correct mapper "x-hasura-default-role"/)
  expect(out).toMatch(/✓ put role "viewer" of client "phonemos-hasura" into the scope of client "new"/)
})

test('each claim that a lightweight token lacks is named by the mapper that writes it', async () => {
  await setOfClient()
  await addToLightweight('hasura', 'x-hasura-default-role')
  expect((await runDoctor(env)).find('allowed-roles')).toMatchObject({
    status: 'fail',
    hint: expect.stringContaining('in Client scopes → hasura → Mappers → x-hasura-allowed-roles'),
  })
  await addToLightweight('hasura', 'x-hasura-allowed-roles')
  expect((await runDoctor(env)).find('user-id')).toMatchObject({
    status: 'fail',
    hint: expect.stringContaining('in Client scopes → hasura → Mappers → x-hasura-user-id'),
  })
})
