import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthorize } from '../../src/http/authorize.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'

const audience = 'hasura-sync-worker'
const role = 'request-jobs'

let idp: IdentityProvider
beforeAll(async () => {
  const clients = [{ clientId: 'caller', clientSecret: 's', realmRoles: [role], audience: [audience] }]
  idp = await startIdentityProvider({ clients })
})
afterAll(() => idp.stop())
afterEach(() => idp.clearFaults())

describe('a realm that callers know by another name than this process', () => {
  // Nobody answers there.
  const issuer = 'https://keycloak.invalid/realms/wiki'

  test('is verified by keys at an address of their own', async () => {
    idp.setClaims('caller', payload => ({ ...payload, iss: issuer }))
    const authorize = createAuthorize({ issuer, jwksUrl: idp.jwksUrl, audience, role })
    expect(await authorize(`Bearer ${await idp.issueToken('caller')}`)).toMatchObject({ allowed: true })
    idp.setClaims('caller', payload => payload)
    expect(await authorize(`Bearer ${await idp.issueToken('caller')}`)).toMatchObject({ allowed: false, status: 401 })
  })
})

test('keys that have moved are discovered again after a pause', async () => {
  const clock = new VirtualClock(Date.now())
  const authorize = createAuthorize({ issuer: idp.issuer, audience, role }, clock)
  const token = await idp.issueToken('caller')
  const abandoned = `${idp.issuer}/abandoned`
  idp.fault('discovery', { kind: 'rewrite', rewrite: body => ({ ...body, jwks_uri: abandoned }) }, 1)
  expect(await authorize(`Bearer ${token}`)).toMatchObject({ status: 503 })
  clock.advance(10_000)
  expect(await authorize(`Bearer ${token}`)).toMatchObject({ allowed: true })
})

test('a failure to fetch keys is as short when the clock of the machine is corrected after it', async () => {
  const clock = new VirtualClock(Date.now() + 3_600_000)
  const authorize = createAuthorize({ issuer: idp.issuer, audience, role }, clock)
  const token = await idp.issueToken('caller')
  idp.fault('discovery', { kind: 'status', status: 503 }, 1)
  expect(await authorize(`Bearer ${token}`)).toMatchObject({ status: 503, retryAfterSeconds: 10 })
  clock.correct(-3_600_000)
  expect(await authorize(`Bearer ${token}`)).toMatchObject({ status: 503, retryAfterSeconds: 10 })
  clock.advance(10_000)
  expect(await authorize(`Bearer ${token}`)).toMatchObject({ allowed: true })
})
