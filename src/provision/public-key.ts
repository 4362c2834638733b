import { createPublicKey, hash, type KeyObject, X509Certificate } from 'node:crypto'
import { z } from 'zod'
import { parseJson } from '../json/parse-json.ts'

/** A public key of a client (RFC 7517). */
export interface ClientKey {
  /** As Keycloak stores it. Keys of others keep it unchanged, whatever their type and use. */
  readonly jwk: unknown
  /** RFC 7638: the same for the same key, however it is written. Absent for a key of a type that no account here signs with. */
  readonly thumbprint?: string
  /** The `kid` by which assertions name it. */
  readonly keyId?: string
  readonly algorithm?: string
}

/** The public half of an account's own key. */
export interface PublicKey extends ClientKey {
  readonly thumbprint: string
}

const text = z.string().exactOptional()
const jwkSchema = z.union([
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string(), kid: text, alg: text }),
  z.object({ kty: z.literal('EC'), crv: z.string(), x: z.string(), y: z.string(), kid: text, alg: text }),
])
type PublicJwk = z.infer<typeof jwkSchema>

function readKey(stored: unknown): ClientKey {
  const jwk = jwkSchema.safeParse(stored).data
  return jwk ? { jwk: stored, ...describe(jwk) } : { jwk: stored }
}

/** @param key public or private */
export function toPublicKey(key: KeyObject, more: { kid?: string; alg?: string } = {}): PublicKey {
  const exported = (key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' })
  const jwk = jwkSchema.safeParse({ ...exported, ...more }).data
  if (!jwk) throw new Error(`a key of type ${exported.kty ?? 'unknown'} can't sign assertions`)
  const described = describe(jwk)
  return { jwk: { ...jwk, kid: described.keyId ?? described.thumbprint, use: 'sig' }, ...described }
}

function describe(jwk: PublicJwk): Omit<PublicKey, 'jwk'> {
  const { kid, alg } = jwk
  return {
    thumbprint: thumbprintOf(jwk),
    ...(kid !== undefined && { keyId: kid }),
    ...(alg !== undefined && { algorithm: alg }),
  }
}

function thumbprintOf(jwk: PublicJwk): string {
  const members =
    jwk.kty === 'RSA' ? { e: jwk.e, kty: jwk.kty, n: jwk.n } : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
  return hash('sha256', JSON.stringify(members), 'base64url')
}

/**
 * The keys in a client's attributes: a JWKS, or one imported key or certificate. Keys at a URL aren't fetched. A set that isn't
 * JSON counts as empty, because Keycloak can't use it either.
 */
export function findClientKeys(attributes: Readonly<Record<string, string>>): readonly ClientKey[] {
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

function readKeySet(json: string): readonly ClientKey[] {
  try {
    return keySetSchema.parse(parseJson(json)).keys.map(readKey)
  } catch {
    return []
  }
}

function attempt(read: () => KeyObject): readonly ClientKey[] {
  try {
    return [toPublicKey(read())]
  } catch {
    return []
  }
}

/** The client's attributes with these keys and no others. */
export function keyAttributes(keys: readonly ClientKey[]): Readonly<Record<string, string>> {
  return {
    'use.jwks.url': 'false',
    'use.jwks.string': 'true',
    'jwks.string': JSON.stringify({ keys: keys.map(({ jwk }) => jwk) }),
  }
}
