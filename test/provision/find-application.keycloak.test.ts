import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { run } from '../cli/run-command.ts'
import { hasuraMappers } from '../services/keycloak-hasura-mappers.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'

const keycloak = getSharedKeycloak()
/** Its scope "hasura" has the roles of client "shop"; no application has the usual name. */
let realm: Realm
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-application-'))
  await writeFile(join(folder, 'admin'), keycloak.adminPassword)
  realm = await createRealm(keycloak)
  await remove('clients', 'phonemos-hasura')
  await remove('client-scopes', 'hasura')
  for (const clientId of ['shop', 'wiki', 'forum']) await createApplication(clientId)
  await createScope('hasura', 'shop')
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await realm.remove()
})

const list = z.array(z.object({ id: z.string(), name: z.string().optional(), clientId: z.string().optional() }))

async function remove(kind: 'clients' | 'client-scopes', wanted: string): Promise<void> {
  const found = (await realm.admin.get(`/${realm.name}/${kind}`, list)).find(each =>
    [each.name, each.clientId].includes(wanted),
  )
  await realm.admin.delete(`/${realm.name}/${kind}/${found?.id}`)
}

async function createApplication(clientId: string): Promise<void> {
  const id = await realm.admin.post(`/${realm.name}/clients`, { clientId, standardFlowEnabled: false })
  await realm.admin.post(`/${realm.name}/clients/${id}/roles`, { name: 'viewer' })
}

function createScope(name: string, application: string): Promise<string> {
  const protocolMappers = hasuraMappers(application, 'viewer')
  return realm.admin.post(`/${realm.name}/client-scopes`, { name, protocol: 'openid-connect', protocolMappers })
}

async function createClient(clientId: string, more: object): Promise<void> {
  const flows = { serviceAccountsEnabled: true, standardFlowEnabled: false }
  await realm.admin.post(`/${realm.name}/clients`, { clientId, publicClient: false, ...flows, ...more })
}

async function provision(clientId: string, scope = '') {
  const environment = {
    OIDC_ISSUER: realm.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET_FILE: join(folder, 'secret'),
    SCOPE: scope,
    HASURA_URL: 'http://127.0.0.1:9/v1/graphql',
    DATA_DIR: join(folder, 'data'),
    KEYCLOAK_ADMIN_USERNAME: keycloak.adminName,
    KEYCLOAK_ADMIN_PASSWORD_FILE: join(folder, 'admin'),
  }
  return (await run(environment, 'provision', '--dry-run')).out
}

test("the client with the roles is the one that a mapper of the account's own client reads", async () => {
  await createClient('own', { protocolMappers: hasuraMappers('wiki', 'viewer') })
  expect(await provision('own')).toContain('assign role "viewer" of client "wiki"')
})

test('or the one that a mapper of its scopes reads, default or in SCOPE', async () => {
  await createScope('forum-claims', 'forum')
  await createClient('member', { defaultClientScopes: ['forum-claims'] })
  expect(await provision('member')).toContain('assign role "viewer" of client "forum"')
  await createClient('asking', { optionalClientScopes: ['forum-claims'] })
  expect(await provision('asking', 'openid forum-claims')).toContain('assign role "viewer" of client "forum"')
})

test('or the one that the shared scope reads', async () => {
  await createClient('new', {})
  expect(await provision('new')).toContain('assign role "viewer" of client "shop"')
})

test('or the usual one, which a mapper of its own replaces in a realm with several applications', async () => {
  await createApplication('phonemos-hasura')
  await createClient('usual', { defaultClientScopes: ['hasura'] })
  expect(await provision('usual')).toContain('assign role "viewer" of client "phonemos-hasura"')
  expect(await provision('own')).toContain('assign role "viewer" of client "wiki"')
})

test("but none of Keycloak's own, which a mapper reads by mistake", async () => {
  await createClient('mistaken', { protocolMappers: hasuraMappers('account', 'viewer') })
  expect(await provision('mistaken')).toContain('assign role "viewer" of client "phonemos-hasura"')
})
