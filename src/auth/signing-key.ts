import { createPrivateKey, type KeyObject } from 'node:crypto'
import type { PrivateKey } from 'openid-client'
import { z } from 'zod'
import { findJson } from '../json/parse-json.ts'
import { parsePrivateKey } from './private-key.ts'
import { refuseCredential } from './refuse-credential.ts'

/**
 * Parses the key that signs a client's assertions: RSA of at least 2048 bits for RS256, or for PS256 if the JWK's `alg` or the key's type
 * says so; P-256 for ES256 (RFC 7518, section 3.1).
 *
 * @param text PEM, or a JWK (RFC 7517) with its private part
 * @param what name of the file in messages, such as "The key file /run/key.pem"
 * @param keyId the `kid`; that of the JWK when undefined
 * @throws RefusalError (`client-auth`) that says what the file holds instead, without any part of it
 */
export function parseSigningKey(text: string, what: string, keyId: string | undefined): PrivateKey {
  const { key, kid, alg } = text.startsWith('{') ? parseJwk(text, what) : { key: parsePrivateKey(text, what) }
  const used = keyId ?? kid
  return { key: toCryptoKey(key, alg, what), ...(used !== undefined && { kid: used }) }
}

interface Parsed {
  readonly key: KeyObject
  readonly kid?: string | undefined
  readonly alg?: string | undefined
}

const text = z.string().exactOptional()
/** RFC 7517, section 4, and RFC 7518, sections 6.2 and 6.3. */
const jwkSchema = z.object({
  kty: z.string(),
  kid: text,
  alg: text,
  ...{ crv: text, x: text, y: text },
  ...{ n: text, e: text, d: text, p: text, q: text, dp: text, dq: text, qi: text },
})

function parseJwk(text: string, what: string): Parsed {
  const json = findJson(text)
  if (json === undefined) {
    throw refuseCredential({
      found: `${what} holds something that is neither PEM nor a JWK`,
      remedy: 'provide the private key in one of these formats',
    })
  }
  if (z.object({ keys: z.array(z.unknown()) }).safeParse(json).success) {
    throw refuseCredential({
      found: `${what} holds a set of keys`,
      remedy: 'keep only the key that the client signs with',
    })
  }
  const jwk = jwkSchema.safeParse(json).data
  if (!jwk)
    throw refuseCredential({
      found: `${what} holds JSON that is not a JWK: it has no \`kty\``,
      remedy: 'provide the private key as PEM or as a JWK',
    })
  if (jwk.kty !== 'RSA' && jwk.kty !== 'EC') throw wrongType(what, `a JWK of the type ${show(jwk.kty)}`)
  if (jwk.d === undefined) {
    throw refuseCredential({
      found: `${what} holds a public key`,
      remedy: `replace it by the private JWK, which has a \`d\``,
    })
  }
  try {
    return { key: createPrivateKey({ key: jwk, format: 'jwk' }), kid: jwk.kid, alg: jwk.alg }
  } catch {
    throw refuseCredential({
      found: `${what} holds a JWK that can't be read`,
      remedy: 'copy it again, complete and unchanged',
    })
  }
}

function toCryptoKey(key: KeyObject, alg: string | undefined, what: string): PrivateKey['key'] {
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {}
  const wanted = alg ?? usualAlgorithms.get(key.asymmetricKeyType ?? '')
  const fits = key.asymmetricKeyType === 'ec' ? wanted === 'ES256' : wanted === 'RS256' || wanted === 'PS256'
  if (!fits) {
    const found = alg === undefined ? '' : ` for the algorithm ${show(alg)}`
    throw wrongType(what, `a key of the type ${key.asymmetricKeyType ?? 'unknown'}${found}`)
  }
  if (wanted === 'ES256') {
    if (namedCurve !== 'prime256v1') throw wrongType(what, `a key on the curve ${namedCurve ?? 'unknown'}`)
    return key.toCryptoKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  }
  if (modulusLength < 2048) throw wrongType(what, `an RSA key of ${modulusLength} bits`)
  const name = wanted === 'PS256' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5'
  return key.toCryptoKey({ name, hash: 'SHA-256' }, false, ['sign'])
}

const usualAlgorithms: ReadonlyMap<string, string> = new Map([
  ['rsa', 'RS256'],
  ['ec', 'ES256'],
])

function wrongType(what: string, found: string) {
  return refuseCredential({
    found: `${what} holds ${found}`,
    remedy: 'use an RSA key of at least 2048 bits (RS256, PS256) or a key on the curve P-256 (ES256)',
  })
}

/** Quotes a value from the file, cut to a line. */
function show(text: string): string {
  return JSON.stringify(text.slice(0, 20))
}
