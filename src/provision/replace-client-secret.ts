import { randomBytes } from 'node:crypto'
import type { Login } from '../account.ts'
import { ConfigError, PermanentError } from '../errors.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import { parse, readSecret } from './read-realm-state.ts'
import { replaceSecretFile } from './replace-secret-file.ts'
import { representationSchema } from './representation.ts'

interface SecretDeps {
  readonly admin: KeycloakAdmin
  readonly login: Login
}

/** Brings the file up to what Keycloak has, and lets Keycloak make one where it has none. */
export async function writeClientSecret({ admin, login }: SecretDeps, client: string): Promise<void> {
  const file = getSecretFile(login)
  const secret = (await readSecret(admin, client)) ?? (await makeSecret(admin, client))
  await replaceSecretFile('CLIENT_SECRET_FILE', file, secret)
}

async function makeSecret(admin: KeycloakAdmin, client: string): Promise<string> {
  await admin.clients.generateNewClientSecret({ id: client })
  const secret = await readSecret(admin, client)
  if (secret !== undefined) return secret
  throw new PermanentError('response-shape', {
    found: 'Keycloak made no secret for the client',
    remedy: 'look at Clients → Credentials',
  })
}

/**
 * Replaces a secret that is in use. The file comes first: a worker has the old secret in memory, which is right until Keycloak
 * has the new one, and whoever is refused from then on finds the new one in the file. The other way round, everybody who
 * asks between the two would be refused with nothing else to try.
 *
 * When it fails halfway, the file gets what Keycloak has.
 */
export async function replaceClientSecret({ admin, login }: SecretDeps, client: string): Promise<void> {
  const file = getSecretFile(login)
  const secret = randomBytes(32).toString('base64url')
  const before = parse(representationSchema, await admin.clients.findOne({ id: client }))
  await replaceSecretFile('CLIENT_SECRET_FILE', file, secret)
  try {
    await admin.clients.update({ id: client }, { ...before, secret })
  } catch (error) {
    const current = await readSecret(admin, client).catch(() => undefined)
    if (current === undefined) throw halfDone(file)
    await replaceSecretFile('CLIENT_SECRET_FILE', file, current)
    throw error
  }
}

function halfDone(file: string): PermanentError {
  return new PermanentError('half-done', {
    found: `The new secret is in ${file}, and whether Keycloak has taken it is unknown`,
    remedy: 'run provision again, which brings the file up to what Keycloak has',
  })
}

/** @throws ConfigError for a secret that no file holds, which a new one could not follow */
export function getSecretFile(login: Login): string {
  if ('secret' in login && login.secret && 'file' in login.secret) return login.secret.file
  throw new ConfigError([
    {
      found: 'The secret is in CLIENT_SECRET, where provision can not write it',
      remedy: 'give a file in CLIENT_SECRET_FILE instead',
    },
  ])
}
