import type { Login } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { createRequestToken } from '../auth/request-token.ts'
import { createTokenSource } from '../auth/token-source.ts'
import type { Environment } from '../config/config.ts'
import { trimValues } from '../config/trim-values.ts'
import { ConfigError, RefusalError } from '../errors.ts'
import { causedBy, type Told } from '../explanation.ts'
import { createKeycloakAdmin, findRealmUrl, type KeycloakAdmin, parseKeycloakIssuer } from '../rest/keycloak-admin.ts'
import { createRateBucket } from '../rest/rate-bucket.ts'
import type { Clock } from '../time/clock.ts'

/** How an administrator logs in: as a service account, or as a user. */
export interface AdminLogin {
  readonly login: Login
  /** The variable and value of a secret that isn't in a file. */
  readonly username?: string
}

const adminVariables = [
  'KEYCLOAK_ADMIN_CLIENT_ID',
  'KEYCLOAK_ADMIN_CLIENT_SECRET_FILE',
  'KEYCLOAK_ADMIN_USERNAME',
  'KEYCLOAK_ADMIN_PASSWORD_FILE',
  'KEYCLOAK_ADMIN_REALM',
] as const

const clientVariables = 'KEYCLOAK_ADMIN_CLIENT_ID and KEYCLOAK_ADMIN_CLIENT_SECRET_FILE'
const userVariables = 'KEYCLOAK_ADMIN_USERNAME and KEYCLOAK_ADMIN_PASSWORD_FILE'
const usernameVariable = 'KEYCLOAK_ADMIN_USERNAME'

/**
 * @param account whose realm will be administered
 * @returns undefined if the environment names no administrator
 * @throws ConfigError if it names an incomplete one, or two, or if the account's realm is unknown
 */
export function readAdminLogin(env: Environment, account: Login): AdminLogin | undefined {
  const problems: Told[] = []
  const {
    KEYCLOAK_ADMIN_CLIENT_ID: clientId,
    KEYCLOAK_ADMIN_CLIENT_SECRET_FILE: secretFile,
    KEYCLOAK_ADMIN_USERNAME: username,
    KEYCLOAK_ADMIN_PASSWORD_FILE: passwordFile,
    KEYCLOAK_ADMIN_REALM: adminRealm,
  } = trimValues(adminVariables, env, name => name, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  if (!clientId && !secretFile && !username && !passwordFile) return undefined
  if ((clientId || secretFile) && (username || passwordFile)) {
    throw new ConfigError([
      { found: 'Two administrators are configured', remedy: `set either ${clientVariables}, or ${userVariables}` },
    ])
  }
  const { baseUrl, realm } = parseKeycloakIssuer(getRealmUrl(account), account.insecureHosts)
  const login = (realmOfAdmin: string) => ({
    server: {
      tokenUrl: `${baseUrl}/realms/${encodeURIComponent(adminRealm || realmOfAdmin)}/protocol/openid-connect/token`,
    },
    scopes: [],
    ...(account.allowInsecure && { allowInsecure: true }),
    ...(account.insecureHosts && { insecureHosts: account.insecureHosts }),
  })
  if (clientId && secretFile) {
    const secret = { file: secretFile }
    return { login: { ...login(realm), clientId, method: 'client_secret_basic', secret } }
  }
  if (username && passwordFile) {
    const user = { usernameFile: usernameVariable, passwordFile }
    return { login: { ...login('master'), clientId: 'admin-cli', method: 'password', ...user }, username }
  }
  throw new ConfigError([
    {
      found: 'The administrator is incomplete',
      remedy: `set ${clientId || secretFile ? clientVariables : userVariables}`,
    },
  ])
}

/** @throws ConfigError like `readAdminLogin`, and if there is none */
export function getAdminLogin(env: Environment, account: Login): AdminLogin {
  // The realm is checked first: without it, no administrator helps.
  getRealmUrl(account)
  const found = readAdminLogin(env, account)
  if (found) return found
  throw new ConfigError([
    {
      found: 'An administrator is required',
      remedy: `set ${clientVariables} (a service account with manage-clients and manage-users of client "realm-management", and to change mappers since Keycloak 26.8.2 manage-realm), or ${userVariables}`,
    },
  ])
}

function getRealmUrl(login: Login): string {
  const url = findRealmUrl(login)
  if (url !== undefined) return url
  throw new ConfigError([
    {
      found: "OIDC_ISSUER is missing, and TOKEN_URL is not the https address of a Keycloak realm's token endpoint",
      remedy: 'set OIDC_ISSUER to the issuer of the realm (https://host/realms/R), with or without TOKEN_URL',
    },
  ])
}

export interface AdminAccess {
  readonly admin: KeycloakAdmin
  readonly realm: string
}

/**
 * Logs the administrator in, and opens the Admin API of the account's realm.
 *
 * @throws ConfigError if the administrator is refused; OutageError if Keycloak can't be reached
 */
export async function openAdminAccess(
  { login, username }: AdminLogin,
  account: Login,
  deps: { readonly clock: Clock; readonly readSecretFile: ReadSecretFile },
  signal: AbortSignal,
): Promise<AdminAccess> {
  const { clock } = deps
  const issuer = getRealmUrl(account)
  const { insecureHosts } = account
  const readSecretFile = async (path: string) =>
    path === usernameVariable && username !== undefined ? username : deps.readSecretFile(path)
  const tokens = createTokenSource({ requestToken: createRequestToken(login, { clock, readSecretFile }), clock })
  try {
    await tokens.get(signal)
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error
    const variables = login.method === 'password' ? userVariables : clientVariables
    throw new ConfigError([causedBy(`The administrator of ${variables} can't log in`, error)])
  }
  const bucket = createRateBucket(clock)
  const admin = createKeycloakAdmin({ tokens, clock, bucket, issuer, insecureHosts, signal, tellsReasons: true })
  return { admin, realm: parseKeycloakIssuer(issuer, insecureHosts).realm }
}
