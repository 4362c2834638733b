import type { Login } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { ConfigError } from '../errors.ts'
import { createSigningKey, type OwnCredential, readOwnCredential } from './own-credential.ts'
import { type ClientKey, findClientKeys, keyAttributes, type PublicKey } from './public-key.ts'
import { replaceSecretFile } from './replace-secret-file.ts'

interface KeyDeps {
  readonly login: Login
  readonly readSecretFile: ReadSecretFile
}
type Attributes = Readonly<Record<string, string>>
type SetAttributes = (attributes: Attributes) => Promise<void>

const variable = 'CLIENT_KEY_FILE'

/** Registers the account's public key in addition to the client's; creates the key if there is none. */
export async function registerClientKey(deps: KeyDeps, before: Attributes, set: SetAttributes): Promise<void> {
  const own = await readOwnKey(deps)
  const key = own.key ?? (await makeKey(own))
  await set({ ...keyAttributes([...without(findClientKeys(before), key), key]), ...algorithmOf(before, key) })
}

async function makeKey({ file, keyId }: { file: string; keyId?: string }): Promise<PublicKey> {
  const { text, key } = createSigningKey(undefined, keyId)
  await replaceSecretFile(variable, file, text)
  return key
}

/**
 * Replaces a key that is in use: Keycloak gets the new key in addition to the old one, then the file changes, then Keycloak drops
 * the old one. Until then the old key works, and afterwards a worker that is refused reads the file again.
 */
export async function replaceClientKey(deps: KeyDeps, before: Attributes, set: SetAttributes): Promise<void> {
  const { file, key: old, keyId } = await readOwnKey(deps)
  if (!old) return registerClientKey(deps, before, set)
  if (keyId !== undefined) {
    throw new ConfigError([
      {
        found: 'CLIENT_KEY_ID fixes the id of the key, so the new key would have the id of the old one',
        remedy: 'write the key to CLIENT_KEY_FILE as a JWK with a kid, unset CLIENT_KEY_ID, then rotate',
      },
    ])
  }
  const others = without(findClientKeys(before), old)
  const { text, key } = createSigningKey(old.algorithm)
  // The first one is used for an assertion without a kid, such as one from a PEM file.
  await set(keyAttributes([old, ...others, key]))
  try {
    await replaceSecretFile(variable, file, text)
  } catch (error) {
    await set(keyAttributes([old, ...others]))
    throw error
  }
  await set(keyAttributes([...others, key]))
}

async function readOwnKey({ login, readSecretFile }: KeyDeps): Promise<Extract<OwnCredential, { kind: 'key' }>> {
  const own = await readOwnCredential(login, readSecretFile)
  if (own.kind === 'key') return own
  throw new ConfigError([{ found: `CLIENT_AUTH=${login.method} has no key`, remedy: `set ${variable}` }])
}

function without(keys: readonly ClientKey[], key: PublicKey): readonly ClientKey[] {
  return keys.filter(({ thumbprint }) => thumbprint !== key.thumbprint)
}

/** A client may be limited to one algorithm. */
function algorithmOf(before: Attributes, { algorithm }: PublicKey): Attributes {
  const name = 'token.endpoint.auth.signing.alg'
  return before[name] && algorithm !== undefined ? { [name]: algorithm } : {}
}
