import type { Login } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { ConfigError } from '../errors.ts'
import { createSigningKey, type OwnCredential, readOwnCredential } from './own-credential.ts'
import { findClientKeys, keyAttributes, type PublicKey } from './public-key.ts'
import { replaceSecretFile } from './replace-secret-file.ts'

interface KeyDeps {
  readonly login: Login
  readonly readSecretFile: ReadSecretFile
}
type Attributes = Readonly<Record<string, string>>
type SetAttributes = (attributes: Attributes) => Promise<void>

const variable = 'CLIENT_KEY_FILE'

/** Registers the public half of the account's key beside those that the client has; makes the key where there is none. */
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
 * Replaces a key that is in use: Keycloak learns the new one beside the old one, then the file changes, then Keycloak forgets
 * the old one. Whoever signs with the old one until then is understood, and whoever does so later reads the file again.
 */
export async function replaceClientKey(deps: KeyDeps, before: Attributes, set: SetAttributes): Promise<void> {
  const { file, key: old, keyId } = await readOwnKey(deps)
  if (!old) return registerClientKey(deps, before, set)
  if (keyId !== undefined) {
    throw new ConfigError([
      {
        found: 'CLIENT_KEY_ID fixes the name of the key, so that a new one could not be told from the old one',
        remedy: 'put the key into CLIENT_KEY_FILE as a JWK with a kid, unset CLIENT_KEY_ID, and rotate then',
      },
    ])
  }
  const others = without(findClientKeys(before), old)
  const { text, key } = createSigningKey(old.algorithm)
  // The first one is taken for an assertion without a kid, as those of a PEM are.
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

function without(keys: readonly PublicKey[], key: PublicKey): readonly PublicKey[] {
  return keys.filter(({ thumbprint }) => thumbprint !== key.thumbprint)
}

/** A client may be told to take one algorithm alone. */
function algorithmOf(before: Attributes, { algorithm }: PublicKey): Attributes {
  const name = 'token.endpoint.auth.signing.alg'
  return before[name] && algorithm !== undefined ? { [name]: algorithm } : {}
}
