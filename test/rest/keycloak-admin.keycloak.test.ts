import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { createKeycloakAdmin } from '../../src/rest/keycloak-admin.ts'
import { offsetPages } from '../../src/rest/offset-pages.ts'
import { createRateBucket } from '../../src/rest/rate-bucket.ts'
import { createRestApi } from '../../src/rest/rest-api.ts'
import { systemClock } from '../../src/time/clock.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { allOf } from './open-api.ts'

const { signal } = new AbortController()
const user = z.object({ id: z.string(), username: z.string() })
const answer = z.object({ access_token: z.string(), expires_in: z.number() })
const names = ['ann', 'ben', 'cleo', 'dan', 'eve']

let realm: Realm

beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak())
  await Promise.all(names.map(username => realm.admin.post(`/${realm.name}/users`, { username, enabled: true })))
})
afterAll(() => realm.remove())

/** The worker's service account, with these roles of realm-management. */
async function open(...roles: string[]) {
  for (const role of roles) await assignManagementRole(role)
  let fetched = 0
  const tokens = createTokenSource({
    clock: systemClock,
    async requestToken() {
      fetched += 1
      const response = await fetch(realm.tokenUrl, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: realm.clientId,
          client_secret: realm.clientSecret,
        }),
      })
      const { access_token, expires_in } = answer.parse(await response.json())
      return new Token(access_token, Date.now() + expires_in * 1_000)
    },
  })
  const access = { tokens, clock: systemClock, bucket: createRateBucket(systemClock) }
  return {
    fetched: () => fetched,
    admin: createKeycloakAdmin({ ...access, issuer: realm.issuer, signal }),
    api: createRestApi({ ...access, baseUrl: realm.issuer.replace('/realms/', '/admin/realms/') }),
  }
}

async function assignManagementRole(name: string): Promise<void> {
  const [client] = await realm.admin.get(
    `/${realm.name}/clients?clientId=realm-management`,
    z.array(z.object({ id: z.string() })),
  )
  const role = await realm.admin.get(
    `/${realm.name}/clients/${client?.id}/roles/${name}`,
    z.object({ id: z.string(), name: z.string() }),
  )
  await realm.admin.post(`/${realm.name}/users/${realm.subject}/role-mappings/clients/${client?.id}`, [role])
}

describe('a real Keycloak', () => {
  test('refuses a service account without the role, and says so', async () => {
    const { admin, api, fetched } = await open()
    for (const ask of [() => admin.users.find(), () => api.get('/users', { schema: z.unknown(), signal })]) {
      expect(await failureOf(ask())).toMatchObject({ code: 'forbidden' })
    }
    expect(fetched()).toBe(1)
  })

  test('gives its users by both ways, also after its keys were replaced', async () => {
    const { admin, api, fetched } = await open('view-users', 'manage-users')
    const found = await admin.users.find({ first: 1, max: 2 })
    expect(found.map(({ username }) => username)).toEqual(['ben', 'cleo'])
    const pages = await allOf(offsetPages(api, { path: '/users', item: user, max: 2, signal }))
    expect(pages.map(({ items, next }) => [items.map(({ username }) => username), next])).toEqual([
      [['ann', 'ben'], 2],
      [['cleo', 'dan'], 4],
      [['eve'], 5],
    ])
    await realm.rotateKeys()
    expect(await admin.users.count()).toBe(5)
    expect(await allOf(offsetPages(api, { path: '/users', item: user, signal }))).toHaveLength(1)
    expect(fetched()).toBe(2)
  })

  test('changes what it is asked to, and refuses what exists already', async () => {
    const { admin } = await open()
    const { id } = await admin.users.create({ username: 'fay', enabled: true })
    await admin.users.update({ id }, { firstName: 'Fay' })
    expect(await admin.users.findOne({ id })).toMatchObject({ username: 'fay', firstName: 'Fay' })
    expect(await failureOf(admin.users.create({ username: 'fay' }))).toMatchObject({ code: 'http-409' })
    await admin.users.del({ id })
    expect(await admin.users.findOne({ id })).toBeNull()
  })
})
