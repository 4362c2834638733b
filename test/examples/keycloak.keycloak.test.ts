import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { syncKeycloakUsers } from '../../examples/keycloak/sync-keycloak-users.ts'
import { createRsaKey, toJwks, toPem } from '../auth/signing-keys.ts'
import { createKeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { type Manager, openManager } from './management-role.ts'
import { countRows, openExample } from './open-example.ts'

const job = syncKeycloakUsers.name
const key = createRsaKey()
const names = Array.from({ length: 205 }, (_, index) => `user-${String(index).padStart(3, '0')}`)

let realm: Realm
let manager: Manager
let ids: string[]
beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak())
  await createKeycloakClient(realm, 'user-sync', {
    clientAuthenticatorType: 'client-jwt',
    attributes: {
      'use.jwks.string': 'true',
      'jwks.string': await toJwks([[key, { kid: 'user-sync', alg: 'RS256' }]]),
    },
  })
  manager = await openManager(realm, 'user-sync')
  ids = []
  for (const username of names) {
    const email = `${username}@wiki.example`
    ids.push(await realm.admin.post(`/${realm.name}/users`, { username, email, enabled: true }))
  }
})
afterAll(() => realm.remove())

function open() {
  return openExample('keycloak', {
    jobs: [syncKeycloakUsers],
    addresses: { oidcIssuer: realm.issuer },
    secrets: { '/run/secrets/user-sync.pem': toPem(key) },
  })
}

describe('the example of Keycloak, against a real one', () => {
  test('is refused without the role, which is named, and resumes when it is assigned', async () => {
    await using example = await open()
    await expect(example.run(job)).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'job-roles',
      message:
        'Role view-users of client "realm-management" is not in the token (it holds none): assign it under Clients → user-sync → Service account roles, and where Full scope allowed is off also under Clients → user-sync → Client scopes → user-sync-dedicated → Scope',
    })
    await manager.assign('view-users')
    expect(await example.run(job)).toMatchObject({ counts: { inserted: names.length } })
    const [account] = await example.deps.store.selectFrom('worker.accounts').selectAll().execute()
    expect(account).toMatchObject({ issuer: realm.issuer, first_login: 'pending', endpoint: '' })
  })

  test('mirrors every user, finds them unchanged, and follows changes and deletions', async () => {
    await manager.assign('view-users')
    await using example = await open()
    expect(await example.run(job)).toMatchObject({ counts: { read: names.length, inserted: names.length } })
    expect(
      await example.query(
        sql`select id, username, email, enabled from mirror.keycloak_users order by username limit 1`,
      ),
    ).toEqual([{ id: ids[0], username: 'user-000', email: 'user-000@wiki.example', enabled: true }])
    expect(await example.run(job)).toMatchObject({ counts: { inserted: 0, updated: 0, unchanged: names.length } })

    const [first, second] = ids
    await realm.admin.put(`/${realm.name}/users/${first}`, { username: 'user-000', firstName: 'Ann', enabled: false })
    await realm.admin.delete(`/${realm.name}/users/${second}`)
    expect(await example.run(job)).toMatchObject({ counts: { updated: 1, deleted: 1 } })
    expect(await countRows(example, 'keycloak_users')).toEqual({ present: names.length - 1, deleted: 1 })
    expect(await example.query(sql`select first_name, enabled from mirror.keycloak_users where id = ${first}`)).toEqual(
      [{ first_name: 'Ann', enabled: false }],
    )
  })

  test('marks nothing when the role is taken away', async () => {
    await manager.assign('view-users')
    await using example = await open()
    await example.run(job)
    const before = await countRows(example, 'keycloak_users')
    await manager.unassign('view-users')
    await example.dropToken()
    await expect(example.run(job)).rejects.toMatchObject({ code: 'job-roles' })
    expect(await countRows(example, 'keycloak_users')).toEqual(before)
  })
})
