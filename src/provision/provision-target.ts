import type { Account, ClaimsObject, Requirement } from '../account.ts'
import { parseJsonPath } from '../auth/json-path.ts'
import { ConfigError } from '../errors.ts'
import { adminApiScope, mayUseAdminApi } from '../rest/admin-api-scope.ts'
import { findMappedRoles } from './mapped-roles.ts'

/** What an account needs in its realm. */
export interface ProvisionTarget {
  readonly clientId: string
  /** Keycloak's name for how the client authenticates. */
  readonly authenticator: 'client-secret' | 'client-jwt' | 'client-x509'
  readonly method: keyof typeof authenticators
  /** Absent if the account's API isn't Hasura, or its claims are elsewhere in the token. */
  readonly hasura?: HasuraTarget
  /** Roles of the account's jobs, each with its client. */
  readonly roles: readonly ClientRole[]
  /** Roles that the token must have at a place which is not a client's. */
  readonly elsewhere?: { readonly path: string; readonly roles: readonly string[] }
  /** Client scopes that the token must have by default. */
  readonly defaultScopes: readonly string[]
  /** Client scopes that the account requests. */
  readonly askedScopes: readonly string[]
  /** Whether the API identifies users by email, as applications on Hasura may, or an email was requested. */
  readonly needsEmail: boolean
  /** Default: a made-up one, if one is needed and there is none. */
  readonly email?: string
  /** Its name, or its path starting with a slash. */
  readonly group?: string
}

export interface HasuraTarget {
  /** The client whose roles are Hasura's. */
  readonly application: string
  /** What precedes `x-hasura-…` in the name of a claim, with a backslash before each dot that isn't a level. */
  readonly claimPrefix: string
}

export interface ClientRole {
  readonly client: string
  readonly role: string
}

export interface ProvisionOptions {
  /** Default: those that the jobs require. */
  readonly roles?: readonly string[]
  /** The client whose roles are Hasura's; default: the one that HASURA_CLAIMS_MAP names, or the usual one, `phonemos-hasura`. */
  readonly application?: string
  readonly email?: string
  readonly group?: string
}

export const hasuraScope = 'hasura'
/** Keycloak's client scope whose mappers write the roles of clients into the token. */
export const rolesScope = 'roles'
export const usualApplication = 'phonemos-hasura'

/**
 * @param requirements of the account's jobs
 * @throws ConfigError if the way in which the account logs in, or reads its claims, can't be set up
 */
export function createTarget(
  account: Account,
  requirements: readonly (Requirement | undefined)[],
  options: ProvisionOptions = {},
): ProvisionTarget {
  const { login, hasura } = account
  if (login.method === 'password') {
    throw new ConfigError([
      {
        found: `Account "${account.name}" logs in as a user (CLIENT_AUTH=password), but provision sets up service accounts`,
        remedy: 'choose another CLIENT_AUTH',
      },
    ])
  }
  const mapped = options.application === undefined ? findMappedRoles(account) : undefined
  const isClients = mapped === undefined || (mapped !== 'map' && 'client' in mapped)
  const application = options.application ?? (isClients ? mapped?.client : undefined) ?? usualApplication
  const hasuraRoles = chooseRoles(account, requirements, options.roles)
  const claims = hasura && !('map' in hasura.claims) ? hasura.claims : undefined
  const needsEmail = hasura !== undefined || options.email !== undefined
  const asked = login.scopes.filter(scope => scope !== 'openid')
  const clientRoles = requirements.flatMap(findClientRoles)
  const isMappedToClient = isClients && mapped !== undefined
  const wantedScopes = new Set([
    'basic',
    ...(needsEmail ? ['email'] : []),
    ...(clientRoles.length > 0 || isMappedToClient ? [rolesScope] : []),
    // An account with another API may have the roles for that.
    ...(!account.api && mayUseAdminApi(requirements) ? [adminApiScope] : []),
    ...requirements.flatMap(each => (each && 'scopes' in each ? each.scopes : [])),
  ])
  return {
    clientId: login.clientId,
    authenticator: authenticators[login.method],
    method: login.method,
    ...(claims && { hasura: { application, claimPrefix: claimPrefixOf(claims) } }),
    roles: unique([...(isClients ? hasuraRoles.map(role => ({ client: application, role })) : []), ...clientRoles]),
    ...(!isClients && mapped !== 'map' && { elsewhere: { path: mapped.path, roles: hasuraRoles } }),
    defaultScopes: [...wantedScopes].filter(scope => !asked.includes(scope) && scope !== 'openid'),
    askedScopes: asked,
    needsEmail,
    ...(options.email !== undefined && { email: options.email }),
    ...(options.group !== undefined && { group: options.group }),
  }
}

const authenticators = {
  client_secret_basic: 'client-secret',
  client_secret_post: 'client-secret',
  private_key_jwt: 'client-jwt',
  tls_client_auth: 'client-x509',
} as const

function chooseRoles(
  { hasura }: Account,
  requirements: readonly (Requirement | undefined)[],
  chosen: readonly string[] = [],
): readonly string[] {
  if (chosen.length > 0) return chosen
  if (!hasura) return []
  const required = requirements.flatMap(each => (each && 'role' in each ? [each.role] : []))
  return hasura.refreshRole === undefined ? required : [...required, hasura.refreshRole]
}

function findClientRoles(requirement: Requirement | undefined): readonly ClientRole[] {
  if (!requirement || !('clientRoles' in requirement)) return []
  return Object.entries(requirement.clientRoles).flatMap(([client, roles]) => roles.map(role => ({ client, role })))
}

function unique(roles: readonly ClientRole[]): readonly ClientRole[] {
  return [...new Map(roles.map(each => [`${each.client} ${each.role}`, each])).values()]
}

/** Keycloak's mappers treat every plain dot in a claim's name as a level. */
function claimPrefixOf({ namespace, path, format }: ClaimsObject): string {
  if (format === 'stringified_json') {
    throw new ConfigError([
      {
        found: "HASURA_CLAIMS_FORMAT is stringified_json, which Keycloak's mappers can't write",
        remedy: 'use json, or create the mappers yourself',
      },
    ])
  }
  const names = path === undefined ? [namespace] : parseJsonPath(path)
  if (!names)
    throw new ConfigError([{ found: 'HASURA_CLAIMS_PATH is not a JSON path', remedy: 'write it like $.hasura.claims' }])
  return names.map(name => `${name.replaceAll('.', String.raw`\.`)}.`).join('')
}
