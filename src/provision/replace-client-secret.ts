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

/** Writes Keycloak's secret to the file, or lets Keycloak create one if it has none. */
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
    found: 'Keycloak created no secret for the client',
    remedy: 'check Clients → Credentials',
  })
}

/**
 * Replaces a secret that is in use. The file changes first: a worker has the old secret in memory, which is valid until Keycloak
 * has the new one, and a worker that is refused afterwards finds the new one in the file. In the other order, every login between the
 * two would fail without an alternative.
 *
 * If it fails halfway, the file gets Keycloak's secret, which must therefore be readable before anything changes.
 */
export async function replaceClientSecret({ admin, login }: SecretDeps, client: string): Promise<void> {
  const file = getSecretFile(login)
  await readSecret(admin, client)
  const secret = randomBytes(32).toString('base64url')
  const before = parse(representationSchema, await admin.clients.findOne({ id: client }))
  const attributes = withoutExpiry(parse(representationSchema, before.attributes ?? {}))
  await replaceSecretFile('CLIENT_SECRET_FILE', file, secret)
  try {
    await admin.clients.update({ id: client }, { ...before, secret, attributes })
  } catch (error) {
    const current = await readSecret(admin, client).catch(() => undefined)
    if (current === undefined) throw halfDone(file)
    await replaceSecretFile('CLIENT_SECRET_FILE', file, current)
    throw error
  }
}

/**
 * A client policy with the executor `secret-rotation` gives a secret without an expiry a new one. With the old one, the new secret
 * would expire when the old one does, or, if that has expired, be replaced by one that Keycloak makes.
 */
function withoutExpiry(attributes: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  // Keycloak removes an attribute that is empty, and keeps one that isn't sent.
  return secretExpiry in attributes ? { ...attributes, [secretExpiry]: '' } : attributes
}

/** An attribute of a client, in seconds since 1970; only a policy for the rotation of secrets sets it. */
export const secretExpiry = 'client.secret.expiration.time'

function halfDone(file: string): PermanentError {
  return new PermanentError('half-done', {
    found: `The new secret is in ${file}, but whether Keycloak has accepted it is unknown`,
    remedy: "run provision again, which writes Keycloak's secret to the file",
  })
}

/** @throws ConfigError for a secret that isn't in a file, because a new one couldn't replace it */
export function getSecretFile(login: Login): string {
  if ('secret' in login && login.secret && 'file' in login.secret) return login.secret.file
  throw new ConfigError([
    {
      found: 'The secret is in CLIENT_SECRET, where provision cannot write it',
      remedy: 'use a file in CLIENT_SECRET_FILE instead',
    },
  ])
}
