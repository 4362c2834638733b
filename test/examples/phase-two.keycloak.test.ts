import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { syncPhaseTwoOrganizations } from '../../examples/phase-two/sync-phase-two-organizations.ts'
import { startKeycloak } from '../services/keycloak.ts'
import { createKeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { phaseTwo } from '../services/phase-two.ts'
import { type Manager, openManager } from './management-role.ts'
import { countRows, type Example, openExample } from './open-example.ts'

const job = syncPhaseTwoOrganizations.name
const secret = 'canary'

/** A Keycloak of its own, because the extension changes every realm. */
describe.skipIf(!phaseTwo)('the example of Phase Two, against its extension in a real Keycloak', () => {
  let opened: AsyncDisposableStack
  let realm: Realm
  let manager: Manager
  let organizations: string[]
  let user: string

  beforeAll(async () => {
    opened = new AsyncDisposableStack()
    realm = await createRealm(opened.use(await startKeycloak(phaseTwo)))
    await createKeycloakClient(realm, 'org-sync', { secret })
    manager = await openManager(realm, 'org-sync')
    // One that may set organizations up, which the worker never does.
    const administrator = await openManager(realm, realm.clientId)
    for (const role of ['view-organizations', 'manage-organizations']) await administrator.assign(role)
    organizations = []
    for (let index = 0; index < 105; index += 1) organizations.push(await createOrganization(index))
    user = await realm.admin.post(`/${realm.name}/users`, { username: 'ann', email: 'ann@wiki.example', enabled: true })
    await ask('PUT', `/orgs/${organizations[0]}/members/${user}`)
  })
  afterAll(() => opened.disposeAsync())

  async function ask(method: string, path: string, body?: unknown): Promise<Response> {
    const granted = await fetch(realm.tokenUrl, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: realm.clientId,
        client_secret: realm.clientSecret,
      }),
    })
    const { access_token } = z.object({ access_token: z.string() }).parse(await granted.json())
    const response = await fetch(`${realm.issuer}${path}`, {
      method,
      headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }

  async function createOrganization(index: number): Promise<string> {
    const name = `organization-${index}`
    const { headers } = await ask('POST', '/orgs', {
      name,
      domains: [`${name}.example`],
      attributes: { tier: ['gold'] },
    })
    return headers.get('location')?.split('/').at(-1) ?? ''
  }

  function open(): Promise<Example> {
    return openExample('phase-two', {
      jobs: [syncPhaseTwoOrganizations],
      addresses: { oidcIssuer: realm.issuer, apiBaseUrl: realm.issuer },
      secrets: { '/run/secrets/org-sync': `${secret}\n` },
    })
  }

  test('is refused without the role, which is named, since the list would only look empty', async () => {
    await using example = await open()
    await expect(example.run(job)).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'job-roles',
      message: expect.stringMatching(/^Role view-organizations of client "realm-management" is not in the token/),
    })
    await manager.assign('view-organizations')
    await example.run(job)
  })

  test('mirrors organizations and members, finds them unchanged, and follows what is deleted', async () => {
    await manager.assign('view-organizations')
    await using example = await open()
    // Each organization has a user of the extension's own, and one has Ann.
    const read = 105 + 105 + 1
    expect(await example.run(job)).toMatchObject({ counts: { read, inserted: read } })
    expect(
      await example.query(sql`
        select o.name, o.domains, o.attributes, m.username, m.email
        from mirror.phase_two_members m join mirror.phase_two_organizations o on o.id = m.organization_id
        where m.user_id = ${user}`),
    ).toEqual([
      {
        name: 'organization-0',
        domains: ['organization-0.example'],
        attributes: { tier: ['gold'] },
        username: 'ann',
        email: 'ann@wiki.example',
      },
    ])
    expect(await example.run(job)).toMatchObject({ counts: { read, inserted: 0, updated: 0, unchanged: read } })

    await ask('DELETE', `/orgs/${organizations[0]}/members/${user}`)
    await ask('DELETE', `/orgs/${organizations[1]}`)
    // Ann, the organization and its own user.
    expect(await example.run(job)).toMatchObject({ counts: { updated: 0, unchanged: read - 3, deleted: 3 } })
    expect(await countRows(example, 'phase_two_organizations')).toEqual({ present: 104, deleted: 1 })
    expect(await countRows(example, 'phase_two_members')).toEqual({ present: 104, deleted: 2 })
  })

  test('answers 401 where a role is missing, which holds only the job and names the role', async () => {
    await manager.assign('view-organizations')
    await using example = await open()
    const api = example.deps.accounts.get('phase-two')?.api
    const { signal } = new AbortController()
    const creation = api?.post('/orgs', { body: { name: 'one-more' }, signal })
    await expect(creation).rejects.toMatchObject({
      code: 'unauthorized',
      scope: 'job',
      remedy: expect.stringContaining('that it has the role or scope which this request needs'),
    })
  })
})
