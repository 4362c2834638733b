import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK } from 'jose'

export interface SigningKeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

export function createRsaKey(modulusLength = 2048): SigningKeyPair {
  return generateKeyPairSync('rsa', { modulusLength })
}

export function createEcKey(namedCurve = 'P-256'): SigningKeyPair {
  return generateKeyPairSync('ec', { namedCurve })
}

export function toPem({ privateKey }: SigningKeyPair, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): string {
  return String(privateKey.export({ format: 'pem', type }))
}

export async function toJwk(key: KeyObject, more: { kid?: string; alg?: string } = {}): Promise<string> {
  return JSON.stringify({ ...(await exportJWK(key)), ...more })
}

/** The set that a server keeps of a client's public keys. */
export async function toJwks(
  keys: readonly (readonly [SigningKeyPair, { kid: string; alg: string }])[],
): Promise<string> {
  const exported = await Promise.all(
    keys.map(async ([{ publicKey }, more]) => ({ ...(await exportJWK(publicKey)), ...more, use: 'sig' })),
  )
  return JSON.stringify({ keys: exported })
}
