import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { syncPersiumStations } from '../../examples/persium/sync-persium-stations.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'
import { startPersium } from '../sandbox/persium/start-persium.ts'
import { countRows, openExample } from './open-example.ts'

const clientId = 'acme-backend'
const organisationUuid = '8d2f1a3e-1234-4c1b-9999-abcdefabcdef'
const job = syncPersiumStations.name

let identity: IdentityProvider
beforeAll(async () => {
  identity = await startIdentityProvider({
    clients: [{ clientId, clientSecret: 'canary', hasuraScope: false }],
    tokenLifetimeSeconds: 300,
  })
})
afterAll(() => identity.stop())

async function open(options: { stations?: number } = {}) {
  await using opened = new AsyncDisposableStack()
  const clients = [{ clientId, organisationUuid, label: 'Acme' }]
  const persium = opened.use(await startPersium({ issuer: identity, clients, ...options }))
  const example = opened.use(
    await openExample('persium', {
      jobs: [syncPersiumStations],
      addresses: { oidcIssuer: identity.issuer, apiBaseUrl: persium.baseUrl },
      secrets: { '/run/secrets/persium': 'canary\n' },
    }),
  )
  const closing = opened.move()
  return { ...example, persium, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

describe('the example of Persium', () => {
  test('mirrors the stations of the organisation that /me names, and follows changes and deletions', async () => {
    await using example = await open({ stations: 230 })
    const { stations } = example.persium
    expect(await example.run(job)).toMatchObject({ counts: { read: 230, inserted: 230 } })
    const [row] = await example.query(sql`
      select organisation_uuid::text, latitude, daqi, to_char(last_updated at time zone 'UTC', 'YYYY-MM-DD HH24:MI') as updated
      from mirror.persium_stations where name = 'Station 3'`)
    expect(row).toEqual({
      organisation_uuid: organisationUuid,
      latitude: 51.003,
      daqi: { value: 4, base_on: 'PM25' },
      updated: '2026-05-19 10:03',
    })
    expect(await example.run(job)).toMatchObject({ counts: { unchanged: 230, deleted: 0 } })

    const [first] = stations
    if (first) stations[0] = { ...first, status: 'offline', daqi: { value: 9, base_on: 'PM10' } }
    stations.splice(150, 1)
    expect(await example.run(job)).toMatchObject({ counts: { updated: 1, unchanged: 228, deleted: 1 } })
    expect(await countRows(example, 'persium_stations')).toEqual({ present: 229, deleted: 1 })
  })

  test('does not take a station for deleted that slipped from one page to another', async () => {
    await using example = await open({ stations: 150 })
    await example.run(job)
    const { persium } = example
    // After the first page is read one of its stations goes, so the first of the second page is on no page.
    const unlock = persium.fault({ kind: 'latency', ms: 300 })
    const asked = persium.requests.length
    const running = example.run(job)
    await expect.poll(() => persium.requests.length - asked).toBe(3)
    persium.stations.splice(0, 1)
    unlock()
    expect(await running).toMatchObject({ counts: { read: 149, deleted: 0 } })
    expect(await example.run(job)).toMatchObject({ counts: { read: 149, unchanged: 149, deleted: 1 } })
  })

  test('continues with another token when Persium has revoked the one in use', async () => {
    await using example = await open()
    await example.run(job)
    example.persium.revoke(clientId)
    const granted = identity.tokenRequests.length
    expect(await example.run(job)).toMatchObject({ counts: { unchanged: 30 } })
    expect(identity.tokenRequests.length - granted).toBe(1)
  })

  test('says what a 403 of a disabled client means, and marks nothing', async () => {
    await using example = await open()
    await example.run(job)
    example.persium.setEnabled(clientId, false)
    await expect(example.run(job)).rejects.toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(/^GET \/me was refused \(HTTP 403\).*disabled the account/),
    })
    expect(await countRows(example, 'persium_stations')).toEqual({ present: 30, deleted: 0 })
  })
})
