import { createHash } from 'node:crypto'
import { CompactEncrypt, CompactSign, exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderExplanation } from '../../src/explanation.ts'
import { type Authorize, createAuthorize } from '../../src/http/authorize.ts'
import { accessClaims, api, makeKey, openIssuer, type SigningKey, sign } from './open-issuer.ts'

let rsa: SigningKey
let ec: SigningKey
let ed: SigningKey
let opened: Awaited<ReturnType<typeof openIssuer>>
let authorize: Authorize
let claims: Record<string, unknown>
beforeAll(async () => {
  rsa = await makeKey('rsa')
  ec = await makeKey('ec', 'ES256')
  ed = await makeKey('ed', 'EdDSA')
  opened = await openIssuer(rsa, ec, ed)
  authorize = createAuthorize({ issuer: opened.issuer, ...api })
  claims = accessClaims(opened.issuer)
})
afterAll(() => opened[Symbol.asyncDispose]())

const seconds = () => Math.floor(Date.now() / 1_000)
const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !names.includes(name)))
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('an access token is let in', () => {
  test.each<[string, () => Promise<string>]>([
    ['as Keycloak writes it', () => sign(rsa, claims)],
    ['as RFC 9068 wants it', () => sign(rsa, { ...without('typ', 'azp'), auth_time: seconds() }, { typ: 'at+jwt' })],
    ['with the long name of its kind', () => sign(rsa, without('typ'), { typ: 'application/AT+JWT' })],
    ['whose kind only the payload tells', () => sign(rsa, claims, { typ: undefined })],
    ['of an issuer that tells no kind', () => sign(rsa, { ...without('typ'), scope: 'a' }, { typ: undefined })],
    [
      'of an issuer that tells no kind, with a client',
      () => sign(rsa, { ...without('typ'), client_id: 'a' }, { typ: undefined }),
    ],
    ['as Cognito writes it', () => sign(rsa, { ...without('typ'), token_use: 'access' }, { typ: undefined })],
    ['with one audience as a text', () => sign(rsa, { ...claims, aud: api.audience })],
    ['signed with an elliptic curve', () => sign(ec, claims)],
    ['signed with an Edwards curve', () => sign(ed, claims)],
    [
      'issued by a clock that is some seconds ahead',
      () => sign(rsa, { ...claims, iat: seconds() + 20, nbf: seconds() + 20 }),
    ],
    ['that expired some seconds ago', () => sign(rsa, { ...claims, exp: seconds() - 20 })],
    ['of a realm whose tokens name no subject', () => sign(rsa, without('sub'))],
    ['of an issuer that names only the subject', () => sign(rsa, without('azp', 'client_id'))],
    [
      'with a role of the realm',
      () => sign(rsa, { ...without('resource_access'), realm_access: { roles: ['offline_access', api.role] } }),
    ],
    [
      'beside roles of another client that are no roles',
      () => sign(rsa, { ...claims, resource_access: { odd: 1, [api.audience]: { roles: [api.role] } } }),
    ],
  ])('%s', async (_what, make) => {
    expect(await authorize(`Bearer ${await make()}`)).toMatchObject({ allowed: true })
  })

  test('and says who asks', async () => {
    const { sub, azp } = claims
    expect(await authorize(`bearer  ${await sign(rsa, claims)} `)).toEqual({
      allowed: true,
      caller: { subject: sub, client: azp },
      roles: ['request'],
    })
  })
})

const kind = /^The token is not an access token/
const bound = /^The token is bound to a key \(cnf\)/
const unsigned = /^The token is not a JWT signed by the issuer$/
const sharedKey = /^The token names HS256, .*: let the issuer sign with RS256: in Keycloak/
const tooEarly = (name: string) => new RegExp(`^The token's claim "${name}" is .* ahead of this worker's clock`)
const claim = (name: string) => `The token's claim "${name}" is not valid`

describe('anything but a bearer access token of the issuer, for this worker, is refused', () => {
  test.each<[string, () => string | Promise<string>, string | RegExp]>([
    [
      'an ID token',
      () => sign(rsa, { ...without('realm_access'), typ: 'ID', nonce: 'x', at_hash: 'y', sid: 'z' }),
      kind,
    ],
    ['a refresh token', () => sign(rsa, { ...claims, typ: 'Refresh', aud: [opened.issuer, api.audience] }), kind],
    ['an offline token', () => sign(rsa, { ...claims, typ: 'Offline' }), kind],
    ['a logout token', () => sign(rsa, { ...claims, typ: 'Logout' }), kind],
    ['a logout token of its own kind', () => sign(rsa, claims, { typ: 'logout+jwt' }), kind],
    ['a logout token without a kind', () => sign(rsa, { ...without('typ'), events: {} }), kind],
    ['an ID token without a kind', () => sign(rsa, { ...without('typ'), at_hash: 'x' }), kind],
    ['a registration token', () => sign(rsa, { ...claims, typ: 'RegistrationAccessToken' }), kind],
    ['an action token', () => sign(rsa, { ...claims, typ: 'verify-email' }), kind],
    ['a kind that is no text', () => sign(rsa, { ...claims, typ: ['Bearer'] }), kind],
    [
      'an ID token whose payload alone tells its kind',
      () => sign(rsa, { ...claims, typ: 'ID' }, { typ: undefined }),
      kind,
    ],
    [
      'a refresh token whose payload alone tells its kind',
      () => sign(rsa, { ...claims, typ: 'Refresh' }, { typ: undefined }),
      kind,
    ],
    ['an ID token of Cognito', () => sign(rsa, { ...without('typ'), token_use: 'id' }, { typ: undefined }), kind],
    ['an ID token that tells no kind', () => sign(rsa, without('typ', 'scope', 'client_id'), { typ: undefined }), kind],
    [
      'an ID token that was asked for with a nonce',
      () => sign(rsa, { ...without('typ'), scope: 'a', nonce: 'x' }, { typ: undefined }),
      kind,
    ],
    [
      'a kind of the header that is no text',
      () => `${part({ alg: 'RS256', typ: 5, kid: 'rsa' })}.${part(claims)}.c2ln`,
      kind,
    ],
    ['a proof of possession', () => sign(rsa, claims, { typ: 'dpop+jwt' }), kind],
    ['a client assertion', () => sign(rsa, claims, { typ: 'client-authentication+jwt' }), kind],
    ['bound by DPoP', () => sign(rsa, { ...claims, typ: 'DPoP', cnf: { jkt: 'x' } }), bound],
    ['bound by a certificate', () => sign(rsa, { ...claims, cnf: { 'x5t#S256': 'x' } }), bound],
    ['bound to nothing that is known', () => sign(rsa, { ...claims, cnf: null }), bound],
    ['for another audience', () => sign(rsa, { ...claims, aud: 'account' }), /^The token is not meant for this worker/],
    ['for no audience', () => sign(rsa, without('aud')), /^The token is not meant for this worker/],
    [
      'of another issuer',
      () => sign(rsa, { ...claims, iss: `${opened.issuer}/` }),
      /^The token is from another issuer/,
    ],
    ['of no issuer', () => sign(rsa, without('iss')), /^The token is from another issuer/],
    ['of a list of issuers', () => sign(rsa, { ...claims, iss: [opened.issuer] }), /^The token is from another issuer/],
    [
      'expired',
      () => sign(rsa, { ...claims, exp: seconds() - 60 }),
      /^The token has expired .* ago .*: get a new one$/,
    ],
    ['valid for ever', () => sign(rsa, without('exp')), claim('exp')],
    ['not valid yet', () => sign(rsa, { ...claims, nbf: seconds() + 60 }), tooEarly('nbf')],
    ['issued tomorrow', () => sign(rsa, { ...claims, iat: seconds() + 86_400 }), tooEarly('iat')],
    ['of nobody', () => sign(rsa, without('sub', 'azp', 'client_id')), /^The token names no caller/],
    ['of somebody with a NUL in the name', () => sign(rsa, { ...claims, sub: 'a\0b' }), claim('sub')],
    ['of somebody with an endless name', () => sign(rsa, { ...claims, azp: 'x'.repeat(5_000) }), claim('azp')],
    ['of somebody who is no text', () => sign(rsa, { ...claims, sub: { toString: 'x' } }), claim('sub')],
    ['with roles that are none', () => sign(rsa, { ...claims, realm_access: { roles: 'all' } }), claim('realm_access')],
    ['signed by nobody', () => `${part({ alg: 'none', typ: 'JWT', kid: 'rsa' })}.${part(claims)}.`, unsigned],
    ['signed by nobody, in capitals', () => `${part({ alg: 'NONE', typ: 'JWT' })}.${part(claims)}.`, unsigned],
    ['signed with the public key as a secret', () => signedWithPublicKey(), sharedKey],
    ['a refresh token of Keycloak, which only it can verify', () => signedWithPublicKey({ typ: 'Refresh' }), kind],
    [
      'signed by another key of the same name',
      async () => sign({ ...(await makeKey('x')), kid: 'rsa' }, claims),
      unsigned,
    ],
    ['signed by a key in its own header', () => signedByItself(), unsigned],
    ['whose claims were changed', async () => withClaims(await sign(rsa, claims), { ...claims, azp: 'x' }), unsigned],
    ['whose signature was cut', async () => (await sign(rsa, claims)).slice(0, -10), unsigned],
    ['without a signature', async () => (await sign(rsa, claims)).replace(/[^.]*$/, ''), unsigned],
    ['with another algorithm of the same key', async () => withHeader(await sign(rsa, claims), 'PS256'), unsigned],
    ['that asks for an extension', () => critical(), unsigned],
    ['encrypted', () => encrypted(), unsigned],
    [
      'that is a list',
      () => new CompactSign(Buffer.from('[]')).setProtectedHeader(rsaHeader()).sign(rsa.privateKey),
      unsigned,
    ],
    ['of two parts', () => 'a.b', unsigned],
    ['of empty parts', () => '..', unsigned],
  ])('%s', async (_what, make, message) => {
    const answer = await authorize(`Bearer ${await make()}`)
    if (answer.allowed) expect.fail('it was let in')
    expect(renderExplanation(answer)).toMatch(message)
    expect(answer).toMatchObject({
      status: 401,
      challenge: 'Bearer realm="hasura-sync-worker", error="invalid_token"',
    })
  })
})

const rsaHeader = () => ({ alg: 'RS256', typ: 'JWT', kid: 'rsa' })

async function signedWithPublicKey(more: Record<string, unknown> = {}): Promise<string> {
  const publicKey = await importJWK(rsa.jwk, 'RS256', { extractable: true })
  if (publicKey instanceof Uint8Array) throw new TypeError('an RSA key is no secret')
  const secret = Buffer.from(await exportSPKI(publicKey))
  return new SignJWT({ ...claims, ...more }).setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: 'rsa' }).sign(secret)
}

async function signedByItself(): Promise<string> {
  const own = await makeKey('rsa')
  const jku = `data:application/json,${JSON.stringify({ keys: [own.jwk] })}`
  return sign(own, claims, { jwk: own.jwk, jku, x5u: jku, kid: 'rsa' })
}

function withClaims(token: string, changed: object): string {
  const [header, , signature] = token.split('.')
  return `${header}.${part(changed)}.${signature}`
}

function withHeader(token: string, alg: string): string {
  const [, payload, signature] = token.split('.')
  return `${part({ ...rsaHeader(), alg })}.${payload}.${signature}`
}

function critical(): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ ...rsaHeader(), crit: ['urn:example:role'], 'urn:example:role': 'admin' })
    .sign(rsa.privateKey, { crit: { 'urn:example:role': true } })
}

async function encrypted(): Promise<string> {
  const { publicKey } = await generateKeyPair('RSA-OAEP')
  const digest = createHash('sha256').update(JSON.stringify(claims)).digest()
  return new CompactEncrypt(digest).setProtectedHeader({ alg: 'RSA-OAEP', enc: 'A256GCM' }).encrypt(publicKey)
}
