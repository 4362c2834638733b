import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSigningKey } from '../../src/auth/signing-key.ts'
import { RefusalError } from '../../src/errors.ts'
import { createEcKey, createRsaKey, toJwk, toPem } from './signing-keys.ts'

const what = 'The key file /run/key of client "sync"'
const rsa = createRsaKey()
const ec = createEcKey()

function refusalOf(text: string): string {
  try {
    parseSigningKey(text, what, undefined)
  } catch (error) {
    if (error instanceof RefusalError) return error.message
    throw error
  }
  throw new Error('nothing was refused')
}

function pem(key: KeyObject, type: 'pkcs8' | 'spki' = 'pkcs8'): string {
  return String(key.export({ format: 'pem', type }))
}

describe('a signing key', () => {
  test.each<[string, () => string | Promise<string>, string, string | undefined]>([
    ['PKCS #8', () => toPem(rsa), 'RSASSA-PKCS1-v1_5', undefined],
    ['PKCS #1', () => toPem(rsa, 'pkcs1'), 'RSASSA-PKCS1-v1_5', undefined],
    ['SEC 1', () => toPem(ec, 'sec1'), 'ECDSA', undefined],
    [
      'SEC 1 behind its parameters',
      () => `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${toPem(ec, 'sec1')}`,
      'ECDSA',
      undefined,
    ],
    ['a JWK', () => toJwk(rsa.privateKey, { kid: 'a' }), 'RSASSA-PKCS1-v1_5', 'a'],
    ['a JWK for RS256', () => toJwk(rsa.privateKey, { alg: 'RS256' }), 'RSASSA-PKCS1-v1_5', undefined],
    ['a JWK for PS256', () => toJwk(rsa.privateKey, { alg: 'PS256' }), 'RSA-PSS', undefined],
    ['a JWK on a curve', () => toJwk(ec.privateKey, { alg: 'ES256', kid: 'b' }), 'ECDSA', 'b'],
  ])('is read from %s', async (_name, text, algorithm, kid) => {
    const parsed = parseSigningKey(await text(), what, undefined)
    expect(parsed.key.algorithm.name).toBe(algorithm)
    expect(parsed.key).toMatchObject({ type: 'private', extractable: false, usages: ['sign'] })
    expect(parsed.kid).toBe(kid)
  })

  test('has the kid that is configured before that of the file', async () => {
    expect(parseSigningKey(await toJwk(ec.privateKey, { kid: 'b' }), what, 'c').kid).toBe('c')
    expect(parseSigningKey(toPem(ec), what, 'c').kid).toBe('c')
  })

  test.each<[string, () => string | Promise<string>, RegExp]>([
    ['a secret', () => 'canary', /holds no private key: provide it as PEM/],
    ['a public key', () => pem(rsa.publicKey, 'spki'), /begins with a PUBLIC KEY: put the private key/],
    ['a certificate', () => '-----BEGIN CERTIFICATE-----\ncanary\n-----END', /begins with a CERTIFICATE/],
    [
      'an encrypted key',
      () => String(ec.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' })),
      /encrypted key.*openssl pkey/,
    ],
    [
      'a key encrypted in the old way',
      () => String(ec.privateKey.export({ format: 'pem', type: 'sec1', cipher: 'aes-256-cbc', passphrase: 'x' })),
      /encrypted key/,
    ],
    ['a key that was cut', () => toPem(rsa).slice(0, 400), /PRIVATE KEY that can't be read/],
    [
      'a key whose line breaks are written as a template does',
      () => toPem(rsa).replaceAll('\n', String.raw`\n`),
      /PRIVATE KEY whose line breaks are written as \\n: write real ones/,
    ],
    ['a key that YAML has folded', () => toPem(rsa).replaceAll('\n', ' '), /PRIVATE KEY without its line breaks/],
    ['a short RSA key', () => toPem(createRsaKey(1024)), /an RSA key of 1024 bits: use an RSA key of at least 2048/],
    ['another curve', () => toPem(createEcKey('P-384')), /a key on the curve secp384r1.*P-256/],
    ['Ed25519', () => pem(generateKeyPairSync('ed25519').privateKey), /a key of the type ed25519/],
    ['a JWK of Ed25519', () => toJwk(generateKeyPairSync('ed25519').privateKey), /a JWK of the type "OKP"/],
    ['a symmetric JWK', () => '{"kty":"oct","k":"canary"}', /a JWK of the type "oct"/],
    ['a public JWK', () => toJwk(rsa.publicKey), /holds a public key/],
    ['a set of JWKs', async () => `{"keys":[${await toJwk(rsa.privateKey)}]}`, /a set of keys/],
    [
      'a JWK for another algorithm',
      () => toJwk(rsa.privateKey, { alg: 'RS512' }),
      /type rsa for the algorithm "RS512"/,
    ],
    [
      'a JWK for an algorithm of the other type',
      () => toJwk(ec.privateKey, { alg: 'RS256' }),
      /type ec for the algorithm/,
    ],
    ['a JWK with a part missing', () => '{"kty":"EC","crv":"P-256","d":"canary"}', /a JWK that can't be read/],
    ['other JSON', () => '{"secret":"canary"}', /not a JWK/],
    ['JSON that was cut', async () => (await toJwk(rsa.privateKey)).slice(0, 300), /neither PEM nor a JWK/],
  ])('is not read from %s, and the sentence names the file', async (_name, text, sentence) => {
    const content = await text()
    const message = refusalOf(content)
    expect(message).toMatch(sentence)
    expect(message).toContain(what)
    expect(message).not.toMatch(/canary/)
  })

  test('is refused with a sentence, and never fails otherwise, whatever the file holds', () => {
    const jwk = fc.record({ kty: fc.constantFrom('RSA', 'EC'), d: fc.string(), crv: fc.string(), n: fc.string() })
    const label = fc.constantFrom('PRIVATE KEY', 'EC PRIVATE KEY', 'X')
    const block = fc.tuple(label, fc.base64String()).map(([name, body]) => `-----BEGIN ${name}-----\n${body}\n-----END`)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          jwk.map(value => JSON.stringify(value)),
          block,
        ),
        text => {
          expect(refusalOf(text)).toContain(what)
        },
      ),
    )
  })
})
