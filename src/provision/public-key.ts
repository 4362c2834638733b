import { createHash, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../json/parse-json.ts'

/** The public key of a client that signs assertions (RFC 7517), as Keycloak stores it. */
export interface PublicKey {
  readonly jwk: PublicJwk
  /** RFC 7638: the same for the same key, however it is written. */
  readonly thumbprint: string
  /** The `kid` by which assertions name it. */
  readonly keyId?: string
  readonly algorithm?: string
}

const text = z.string().exactOptional()
const jwkSchema = z.union([
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string(), kid: text, alg: text }),
  z.object({ kty: z.literal('EC'), crv: z.string(), x: z.string(), y: z.string(), kid: text, alg: text }),
])
export type PublicJwk = z.infer<typeof jwkSchema>

/** @returns undefined if it isn't a public key of a type that signs assertions */
function parsePublicJwk(value: unknown): PublicKey | undefined {
  const jwk = jwkSchema.safeParse(value).data
  if (!jwk) return undefined
  const { kid, alg } = jwk
  return {
    jwk,
    thumbprint: thumbprintOf(jwk),
    ...(kid !== undefined && { keyId: kid }),
    ...(alg !== undefined && { algorithm: alg }),
  }
}

/** @param key public or private */
export function toPublicKey(key: KeyObject, more: { kid?: string; alg?: string } = {}): PublicKey {
  const exported = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  const parsed = parsePublicJwk({ ...exported, ...more })
  if (!parsed) throw new Error(`a key of type ${exported.kty ?? 'unknown'} can't sign assertions`)
  return parsed
}

function thumbprintOf(jwk: PublicJwk): string {
  const members =
    jwk.kty === 'RSA' ? { e: jwk.e, kty: jwk.kty, n: jwk.n } : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url')
}

/**
 * The keys in a client's attributes: a JWKS, or one imported key or certificate. Keys at a URL aren't fetched. Unreadable ones
 * count as absent, because Keycloak can't use them either.
 */
export function findClientKeys(attributes: Readonly<Record<string, string>>): readonly PublicKey[] {
  if (attributes['use.jwks.url'] === 'true') return []
  if (attributes['use.jwks.string'] === 'true') return readKeySet(attributes['jwks.string'] ?? '')
  const key = attributes['jwt.credential.public.key']
  const certificate = attributes['jwt.credential.certificate']
  return [
    ...(key ? attempt(() => createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' })) : []),
    ...(certificate ? attempt(() => new X509Certificate(Buffer.from(certificate, 'base64')).publicKey) : []),
  ]
}

const keySetSchema = z.object({ keys: z.array(z.unknown()) })

function readKeySet(json: string): readonly PublicKey[] {
  try {
    return keySetSchema.parse(parseJson(json)).keys.flatMap(key => parsePublicJwk(key) ?? [])
  } catch {
    return []
  }
}

function attempt(read: () => KeyObject): readonly PublicKey[] {
  try {
    return [toPublicKey(read())]
  } catch {
    return []
  }
}

/** The client's attributes with these keys and no others. */
export function keyAttributes(keys: readonly PublicKey[]): Readonly<Record<string, string>> {
  const entries = keys.map(({ jwk, thumbprint, keyId }) => ({ ...jwk, kid: keyId ?? thumbprint, use: 'sig' }))
  return {
    'use.jwks.url': 'false',
    'use.jwks.string': 'true',
    'jwks.string': JSON.stringify({ keys: entries }),
  }
}
