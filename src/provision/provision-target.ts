import type { Account, ClaimsObject, Requirement } from '../account.ts'
import { parseJsonPath } from '../auth/json-path.ts'
import { ConfigError } from '../errors.ts'

/** What an account needs of its realm. */
export interface ProvisionTarget {
  readonly clientId: string
  /** What Keycloak calls the way in which the client authenticates. */
  readonly authenticator: 'client-secret' | 'client-jwt' | 'client-x509'
  /** Absent where the account's API isn't Hasura, or its claims are taken from elsewhere in the token. */
  readonly hasura?: HasuraTarget
  /** Roles of the account's jobs, each of the client that it belongs to. */
  readonly roles: readonly ClientRole[]
  /** Client scopes that the token needs without being asked for. */
  readonly defaultScopes: readonly string[]
  /** Those that it is asked for. */
  readonly askedScopes: readonly string[]
  /** Whether the API tells users by their email, as applications on Hasura may; or one is wanted. */
  readonly needsEmail: boolean
  /** Default: one is made up when one is needed and there is none. */
  readonly email?: string
  /** Its name, or its path beginning with a slash. */
  readonly group?: string
}

export interface HasuraTarget {
  /** The client whose roles are Hasura's. */
  readonly application: string
  /** What stands before `x-hasura-…` in the name of a claim, with a backslash before each dot that is no level. */
  readonly claimPrefix: string
}

export interface ClientRole {
  readonly client: string
  readonly role: string
}

export interface ProvisionOptions {
  /** Default: those that the jobs require. */
  readonly roles?: readonly string[]
  /** The client whose roles are Hasura's; default `phonemos-hasura`, the usual one. */
  readonly application?: string
  readonly email?: string
  readonly group?: string
}

export const hasuraScope = 'hasura'
export const usualApplication = 'phonemos-hasura'

/**
 * @param requirements of the account's jobs
 * @throws ConfigError when the account logs in, or reads its claims, in a way that can't be set up
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
        found: `Account "${account.name}" logs in as a user (CLIENT_AUTH=password), and provision sets up service accounts`,
        remedy: 'choose another CLIENT_AUTH',
      },
    ])
  }
  const application = options.application ?? usualApplication
  const claims = hasura && !('map' in hasura.claims) ? hasura.claims : undefined
  const scopes = new Set(requirements.flatMap(each => (each && 'scopes' in each ? each.scopes : [])))
  const needsEmail = hasura !== undefined || options.email !== undefined
  const asked = login.scopes.filter(scope => scope !== 'openid')
  return {
    clientId: login.clientId,
    authenticator: authenticators[login.method],
    ...(claims && { hasura: { application, claimPrefix: claimPrefixOf(claims) } }),
    roles: unique([
      ...chooseRoles(account, requirements, options.roles).map(role => ({ client: application, role })),
      ...requirements.flatMap(findClientRoles),
    ]),
    defaultScopes: ['basic', ...(needsEmail ? ['email'] : []), ...scopes].filter(
      scope => !asked.includes(scope) && scope !== 'openid',
    ),
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

/** Keycloak's mappers take every plain dot of a claim's name for a level. */
function claimPrefixOf({ namespace, path, format }: ClaimsObject): string {
  if (format === 'stringified_json') {
    throw new ConfigError([
      {
        found: "HASURA_CLAIMS_FORMAT is stringified_json, which none of Keycloak's mappers writes",
        remedy: 'choose json, or make the mappers by hand',
      },
    ])
  }
  const names = path === undefined ? [namespace] : parseJsonPath(path)
  if (!names)
    throw new ConfigError([{ found: 'HASURA_CLAIMS_PATH is not a JSON path', remedy: 'write it like $.hasura.claims' }])
  return names.map(name => `${name.replaceAll('.', String.raw`\.`)}.`).join('')
}
