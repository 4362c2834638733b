import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Login } from '../../src/account.ts'
import { createSigningKey } from '../../src/provision/own-credential.ts'
import { keyAttributes } from '../../src/provision/public-key.ts'
import { registerClientKey, replaceClientKey } from '../../src/provision/register-key.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-key-'))
  file = join(folder, 'key')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const others = [
  { ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'edwards', alg: 'EdDSA', use: 'sig' },
  {
    ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
    kid: 'encrypting',
    alg: 'RSA-OAEP',
    use: 'enc',
    x5c: ['MII'],
  },
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
]

/** A client with these keys, and each set that it gets. */
function openClient(keys: readonly object[]) {
  const before = { 'use.jwks.string': 'true', 'jwks.string': JSON.stringify({ keys }) }
  const login: Login = {
    server: { issuer: 'https://keycloak.example/realms/wiki' },
    clientId: 'sync',
    scopes: [],
    method: 'private_key_jwt',
    keyFile: file,
  }
  const deps = { login, readSecretFile: (path: string) => readFile(path, 'utf8') }
  const given: unknown[][] = []
  const set = async (attributes: Readonly<Record<string, string>>) => void given.push(keysOf(attributes))
  return { before, deps, given, set }
}

function keysOf(attributes: Readonly<Record<string, string>>): unknown[] {
  return z.object({ keys: z.array(z.unknown()) }).parse(JSON.parse(attributes['jwks.string'] ?? '')).keys
}

test('a key is registered beside the keys of others, which stay as they are', async () => {
  const { text, key } = createSigningKey()
  await writeFile(file, text)
  const { before, deps, given, set } = openClient(others)
  await registerClientKey(deps, before, set)
  expect(given).toEqual([[...others, expect.objectContaining({ kid: key.keyId, alg: 'ES256', use: 'sig' })]])
})

test('a key is replaced beside the keys of others, which stay as they are', async () => {
  const { text, key } = createSigningKey()
  await writeFile(file, text)
  const [old] = keysOf(keyAttributes([key]))
  const { before, deps, given, set } = openClient([...others, z.looseObject({}).parse(old)])
  await replaceClientKey(deps, before, set)
  const next = expect.objectContaining({ kid: expect.not.stringMatching(`^${key.keyId}$`), use: 'sig' })
  expect(given).toEqual([
    [old, ...others, next],
    [...others, next],
  ])
})
