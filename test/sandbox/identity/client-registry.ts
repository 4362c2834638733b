import { createHash } from 'node:crypto'

export interface ClientDefinition {
  clientId: string
  clientSecret: string
  /** The uuid of the service account's user. Default: derived from the client id. */
  subject?: string
  /** Roles of the application client that the service account's user has. */
  roles?: string[]
  /** Default: the first of `roles`. A given one stays when the roles change, like a hardcoded mapper's claim. */
  defaultRole?: string
  realmRoles?: string[]
  /** Audiences in addition to those of roles. */
  audience?: string[]
  /** Whether the client has the `hasura` scope. Default: true. */
  hasuraScope?: boolean
  /** The client's optional scopes, granted on request. */
  scopes?: string[]
  email?: string
  /** Default: true when there is an email. */
  emailVerified?: boolean
  /** Whether the client credentials response has a refresh token. Default: false. */
  refreshTokens?: boolean
  /** Default: true. */
  serviceAccount?: boolean
  /** Default: true. */
  enabled?: boolean
}

export type ClaimsChange = (payload: Record<string, unknown>) => Record<string, unknown>

/** A definition with every default filled in. */
export interface RegisteredClient {
  readonly clientId: string
  readonly clientSecret: string
  readonly subject: string
  readonly roles: readonly string[]
  readonly explicitDefaultRole: string | undefined
  readonly realmRoles: readonly string[]
  readonly audience: readonly string[]
  readonly hasuraScope: boolean
  readonly scopes: readonly string[]
  readonly email: string | undefined
  readonly emailVerified: boolean
  readonly refreshTokens: boolean
  readonly serviceAccount: boolean
  readonly enabled: boolean
  readonly changeClaims: ClaimsChange
}

/** The clients of the sandbox's realm; an entry is replaced, never changed in place. */
export class ClientRegistry {
  readonly #clients = new Map<string, RegisteredClient>()

  add(definition: ClientDefinition): void {
    this.#clients.set(definition.clientId, withDefaults(definition))
  }

  find(clientId: string): RegisteredClient | undefined {
    return this.#clients.get(clientId)
  }

  get(clientId: string): RegisteredClient {
    const client = this.#clients.get(clientId)
    if (!client) throw new Error(`The identity provider has no client "${clientId}"; add it with addClient`)
    return client
  }

  update(clientId: string, change: Partial<RegisteredClient>): void {
    this.#clients.set(clientId, { ...this.get(clientId), ...change })
  }
}

// The roles of every new user in a Keycloak realm, unless an administrator removes them.
const DEFAULT_REALM_ROLES = ['default-roles-sandbox', 'offline_access', 'uma_authorization']

function withDefaults(definition: ClientDefinition): RegisteredClient {
  return {
    clientId: definition.clientId,
    clientSecret: definition.clientSecret,
    subject: definition.subject ?? subjectOf(definition.clientId),
    roles: definition.roles ?? [],
    explicitDefaultRole: definition.defaultRole,
    realmRoles: definition.realmRoles ?? DEFAULT_REALM_ROLES,
    audience: definition.audience ?? [],
    hasuraScope: definition.hasuraScope ?? true,
    scopes: definition.scopes ?? [],
    email: definition.email,
    emailVerified: definition.emailVerified ?? definition.email !== undefined,
    refreshTokens: definition.refreshTokens ?? false,
    serviceAccount: definition.serviceAccount ?? true,
    enabled: definition.enabled ?? true,
    changeClaims: payload => payload,
  }
}

/** The same client has the same user in every run, so a store that outlives the sandbox still fits. */
function subjectOf(clientId: string): string {
  const hex = createHash('sha256').update(clientId).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
