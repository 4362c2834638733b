import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { syncEunifyerOrganizations } from '../../examples/eunifyer/sync-eunifyer-organizations.ts'
import { type Eunifyer, startEunifyer } from '../sandbox/eunifyer/start-eunifyer.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'
import { countRows, openExample } from './open-example.ts'

const clientId = 'acme-sync'
const job = syncEunifyerOrganizations.name

let identity: IdentityProvider
beforeAll(async () => {
  identity = await startIdentityProvider({
    clients: [{ clientId, clientSecret: 'canary', hasuraScope: false, scopes: ['partner:orgs:read'] }],
    tokenLifetimeSeconds: 900,
  })
})
afterAll(() => identity.stop())

async function open(options: { organizations?: number } = {}) {
  await using opened = new AsyncDisposableStack()
  const eunifyer: Eunifyer = opened.use(await startEunifyer({ issuer: identity, ...options }))
  const example = opened.use(
    await openExample('eunifyer', {
      jobs: [syncEunifyerOrganizations],
      addresses: { oidcIssuer: identity.issuer, apiBaseUrl: eunifyer.baseUrl },
      secrets: { '/run/secrets/eunifyer': 'canary\n' },
    }),
  )
  const closing = opened.move()
  return { ...example, eunifyer, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

describe('the example of EUnifyer', () => {
  test('mirrors all organizations, finds them unchanged, and follows changes and deletions', async () => {
    await using example = await open({ organizations: 250 })
    const { organizations } = example.eunifyer
    expect(await example.run(job)).toMatchObject({ counts: { read: 250, inserted: 250, deleted: 0 } })
    expect(await example.run(job)).toMatchObject({ counts: { read: 250, inserted: 0, updated: 0, unchanged: 250 } })

    const [first] = organizations
    if (first) organizations[0] = { ...first, name: 'Renamed', billing_email: 'new@example.com' }
    const gone = organizations.splice(100, 2)
    expect(await example.run(job)).toMatchObject({ counts: { read: 248, updated: 1, unchanged: 247, deleted: 2 } })
    expect(
      await example.query(sql`select id::text from mirror.eunifyer_organizations where _deleted_at is not null`),
    ).toEqual(expect.arrayContaining(gone.map(({ id }) => ({ id }))))

    organizations.push(...gone)
    expect(await example.run(job)).toMatchObject({ counts: { updated: 0, deleted: 0, revived: 2 } })
    expect(await countRows(example, 'eunifyer_organizations')).toEqual({ present: 250, deleted: 0 })
  })

  test('marks nothing when the list breaks off half way, nor what the API still knows', async () => {
    await using example = await open({ organizations: 250 })
    await example.run(job)
    example.eunifyer.organizations.splice(0, 1)
    // The first page is good, the second and what is tried after it is not.
    example.eunifyer.fault({ kind: 'latency', ms: 1 }, 1)
    example.eunifyer.fault({ kind: 'status', status: 403 }, 1)
    await expect(example.run(job)).rejects.toMatchObject({ code: 'forbidden' })
    expect(await countRows(example, 'eunifyer_organizations')).toEqual({ present: 250, deleted: 0 })
    expect(await example.run(job)).toMatchObject({ counts: { read: 249, deleted: 1 } })
  })

  test('asks for the scope, and names it where the client may not have it', async () => {
    await using example = await open()
    identity.addClient({ clientId, clientSecret: 'canary', hasuraScope: false })
    await expect(example.run(job)).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'scope',
      message: expect.stringContaining('partner:orgs:read'),
    })
    expect(example.eunifyer.requests).toEqual([])
    identity.addClient({ clientId, clientSecret: 'canary', hasuraScope: false, scopes: ['partner:orgs:read'] })
    await example.run(job)
  })

  test('sends nothing with a token that does not hold the scope', async () => {
    await using example = await open()
    identity.setClaims(clientId, payload => ({ ...payload, scope: 'email' }))
    await expect(example.run(job)).rejects.toMatchObject({
      name: 'RefusalError',
      code: 'scope',
      message: expect.stringContaining('Scope partner:orgs:read is not among'),
    })
    expect(example.eunifyer.requests).toEqual([])
    identity.setClaims(clientId, payload => payload)
    await example.dropToken()
    await example.run(job)
  })

  test('has no first login', async () => {
    await using example = await open()
    await example.run(job)
    expect(
      await example.deps.store.selectFrom('worker.accounts').select(['name', 'first_login', 'endpoint']).execute(),
    ).toEqual([{ name: 'eunifyer', first_login: 'pending', endpoint: '' }])
  })
})
