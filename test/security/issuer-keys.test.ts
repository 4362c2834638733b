import { generateKeyPairSync } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { createAuthorize } from '../../src/http/authorize.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { accessClaims, api, makeKey, openIssuer, type SigningKey, sign } from './open-issuer.ts'

let current: SigningKey
let next: SigningKey
let foreign: SigningKey
beforeAll(async () => {
  current = await makeKey('current')
  next = await makeKey('next')
  foreign = await makeKey('current')
})

async function openDoor() {
  const opened = await openIssuer(current)
  const { issuer, state } = opened
  const clock = new VirtualClock(Date.now())
  const authorize = createAuthorize({ issuer, ...api }, clock)
  const ask = async (key: SigningKey, header: object = {}) => {
    const token = await sign(key, accessClaims(issuer, clock.now()), { ...header })
    const answer = await authorize(`Bearer ${token}`)
    return answer.allowed ? 200 : answer.status
  }
  return { state, clock, ask, authorize, issuer, [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose]() }
}

test('a token with an unknown key doesn’t affect callers with known keys, whether or not the issuer responds', async () => {
  await using door = await openDoor()
  expect(await door.ask(current)).toBe(200)
  for (const isAway of [false, true]) {
    door.state.isAway = isAway
    // So that the issuer may be asked again.
    door.clock.advance(60_000)
    for (let n = 0; n < 20; n++) {
      expect(await door.ask(foreign, { kid: `unknown-${isAway}-${n}` })).not.toBe(200)
      expect(await door.ask(current)).toBe(200)
    }
  }
})

test('tokens make the worker query the issuer a few times a minute at most', async () => {
  await using door = await openDoor()
  for (let second = 0; second < 60; second++) {
    await Promise.all(Array.from({ length: 3 }, (_, n) => door.ask(foreign, { kid: `unknown-${second}-${n}` })))
    door.clock.advance(1_000)
  }
  expect(door.state.asked).toBeLessThanOrEqual(3)
  expect(door.state.asked).toBeGreaterThan(0)
})

test('a key that the issuer doesn’t have is asked for once in a minute, and refused as the caller’s fault', async () => {
  await using door = await openDoor()
  expect(await door.ask(current)).toBe(200)
  const { asked } = door.state
  for (let n = 0; n < 10; n++) expect(await door.ask(foreign, { kid: 'unknown' })).toBe(401)
  expect(door.state.asked).toBe(asked + 1)
  door.clock.advance(60_000)
  expect(await door.ask(foreign, { kid: 'unknown' })).toBe(401)
  expect(door.state.asked).toBe(asked + 2)
})

test('a key that was just made is found at once, also after others were asked for in vain', async () => {
  await using door = await openDoor()
  expect(await door.ask(current)).toBe(200)
  expect(await door.ask(foreign, { kid: 'unknown' })).toBe(401)
  door.state.keys = [current, next]
  expect(await door.ask(next)).toBe(200)
  expect(await door.ask(current)).toBe(200)
})

test('while the issuer is away, only callers whose key isn’t known are told to come again, and when', async () => {
  await using door = await openDoor()
  door.state.isAway = true
  const token = await sign(current, accessClaims(door.issuer, door.clock.now()))
  expect(await door.authorize(`Bearer ${token}`)).toMatchObject({ status: 503, retryAfterSeconds: 10 })
  door.clock.advance(9_999)
  expect(await door.authorize(`Bearer ${token}`)).toMatchObject({ status: 503, retryAfterSeconds: 1 })
  expect(door.state.asked).toBeLessThanOrEqual(1)
  door.state.isAway = false
  door.clock.advance(1)
  expect(await door.authorize(`Bearer ${token}`)).toMatchObject({ allowed: true })
  door.state.isAway = true
  door.clock.advance(6 * 60 * 60_000)
  expect(await door.ask(current)).toBe(200)
  expect(await door.ask(next)).toBe(503)
})

test('an issuer that is silent is waited for by nobody whose key is in use', async () => {
  await using door = await openDoor()
  expect(await door.ask(current)).toBe(200)
  const answered = Promise.withResolvers<void>()
  door.state.beforeAnswer = () => answered.promise
  door.clock.advance(5 * 60_000)
  expect(await door.ask(current)).toBe(200)
  expect(await door.ask(current)).toBe(200)
  answered.resolve()
})

test('keys that can’t be understood are ignored', async () => {
  await using door = await openDoor()
  const odd = [{}, null, 7, { kid: 'current' }, { kty: 'AKP', alg: 'ML-DSA-65', kid: 'current', pub: 'AA' }]
  door.state.others = odd
  expect(await door.ask(current)).toBe(200)
})

test('a weak key keeps no other from being used, and is told as such', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
  await using door = await openDoor()
  door.state.others = [
    { ...weak, kid: 'current' },
    { ...weak, alg: 'RS256' },
  ]
  for (const kid of [undefined, 'current']) {
    expect(await door.ask(current, { kid })).toBe(200)
    expect(await door.ask(foreign, { kid })).toBe(401)
  }
  await using other = await openDoor()
  other.state.others = [{ ...weak, kid: 'current' }]
  other.state.keys = []
  const refused = await other.authorize(`Bearer ${await sign(current, accessClaims(other.issuer))}`)
  expect(refused).toMatchObject({ status: 401 })
  expect(JSON.stringify(refused)).toContain('RSA key of 2048 bits or more')
})

test('a token that names no key, or one of several with that name, is verified with each', async () => {
  await using door = await openDoor()
  door.state.keys = [current, next, current]
  for (const key of [current, next]) expect(await door.ask(key, { kid: undefined })).toBe(200)
  expect(await door.ask(current)).toBe(200)
  for (const kid of [undefined, 'current']) expect(await door.ask(foreign, { kid })).toBe(401)
})

test('a key that the issuer withdraws is refused soon, and one that it hasn’t confirmed for a day too', async () => {
  await using door = await openDoor()
  expect(await door.ask(current)).toBe(200)
  door.state.keys = [next]
  door.clock.advance(10 * 60_000)
  expect(await door.ask(current)).toBe(401)
  expect(await door.ask(next)).toBe(200)
  door.state.isAway = true
  door.clock.advance(24 * 60 * 60_000)
  expect(await door.ask(next)).toBe(200)
  door.clock.advance(60_000)
  expect(await door.ask(next)).toBe(503)
})

test('an issuer that differs from the configured one is not believed', async () => {
  await using other = await openIssuer(current)
  const issuer = `${other.issuer}/`
  const authorize = createAuthorize({ issuer, ...api })
  expect(await authorize(`Bearer ${await sign(current, accessClaims(issuer))}`)).toMatchObject({ status: 503 })
})

test('a token that can be none of the issuer’s makes the worker ask nobody', async () => {
  await using door = await openDoor()
  const claims = accessClaims(door.issuer)
  const tokens = [
    await sign(foreign, { ...claims, iss: 'https://elsewhere.example' }),
    await sign(foreign, { ...claims, typ: 'ID' }),
    await sign(foreign, { ...claims, cnf: { jkt: 'x' } }),
    await sign(foreign, claims, { typ: 'logout+jwt' }),
  ]
  for (const token of tokens) expect(await door.authorize(`Bearer ${token}`)).toMatchObject({ status: 401 })
  expect(door.state.asked).toBe(0)
})
