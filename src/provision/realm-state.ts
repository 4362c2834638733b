import { z } from 'zod'

/** The parts of a realm that concern one account. */
export interface RealmState {
  readonly realm: string
  readonly client?: ClientState
  /** By name: those that the client has, or would have as a new one. */
  readonly defaultScopes: readonly string[]
  readonly optionalScopes: readonly string[]
  /** Every client scope of the realm. */
  readonly scopes: readonly ScopeState[]
  /** The clients with the required roles, by client id, as far as they exist. */
  readonly roleClients: ReadonlyMap<string, RoleClientState>
  /** Absent while there is no service account. */
  readonly user?: UserState
  /** Every group with the requested name or path. */
  readonly groups: readonly GroupState[]
  /** Whether the client gets lightweight access tokens, as far as that is visible. */
  readonly lightweight?: boolean
  /** Whether the period of a policy is over, so that Keycloak refuses the client's secret. */
  readonly secretExpired?: boolean
  /** Whether the account's secret is the client's; absent if there is none to compare. */
  readonly knowsSecret?: boolean
  /** Whether users other than the service account's are logged in by the client. */
  readonly hasSessions?: boolean
}

export interface RoleClientState {
  readonly enabled: boolean
  readonly roles: readonly string[]
  /** The service account's roles, including those through groups and composite roles. */
  readonly held: readonly string[]
  /** The roles that are written into the client's tokens; absent if all are. */
  readonly letThrough?: readonly string[]
}

export interface GroupState {
  readonly id: string
  readonly path: string
}

/** What is read from Keycloak's representations, in which `false` and absent mean the same. */
const flag = z.boolean().default(false)
const texts = z.record(z.string(), z.string().nullish().transform(String)).default({})

export const mapperSchema = z.object({
  id: z.string(),
  name: z.string(),
  protocolMapper: z.string(),
  config: texts,
})
export type MapperState = z.infer<typeof mapperSchema>

export const clientSchema = z.object({
  id: z.string(),
  clientId: z.string(),
  protocol: z.string().default('openid-connect'),
  enabled: flag,
  publicClient: flag,
  bearerOnly: flag,
  serviceAccountsEnabled: flag,
  standardFlowEnabled: flag,
  implicitFlowEnabled: flag,
  directAccessGrantsEnabled: flag,
  fullScopeAllowed: flag,
  clientAuthenticatorType: z.string().default('client-secret'),
  rootUrl: z.string().default(''),
  redirectUris: z.array(z.string()).default([]),
  attributes: texts,
  /** Those that it doesn't share. */
  protocolMappers: z.array(mapperSchema).default([]),
})
export type ClientState = z.infer<typeof clientSchema>

export const scopeSchema = z.object({
  id: z.string(),
  name: z.string(),
  attributes: texts,
  protocolMappers: z.array(mapperSchema).default([]),
})
export type ScopeState = z.infer<typeof scopeSchema>

export const userSchema = z.object({
  id: z.string(),
  username: z.string(),
  enabled: flag,
  email: z.string().exactOptional(),
  emailVerified: flag,
})
export type UserState = z.infer<typeof userSchema> & {
  /** Paths of its groups. */
  readonly groups: readonly string[]
}

export const sessionSchema = z.object({ userId: z.string().exactOptional() })

export const namedSchema = z.object({ id: z.string(), name: z.string() })

export interface GroupTree extends GroupState {
  readonly name: string
  readonly subGroups: GroupTree[]
}
export const groupSchema: z.ZodType<GroupTree> = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  get subGroups() {
    return z.array(groupSchema).default([])
  },
})
