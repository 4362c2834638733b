import { z } from 'zod'
import { PermanentError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import type { OwnCredential } from './own-credential.ts'
import type { ProvisionTarget } from './provision-target.ts'
import {
  type ClientState,
  clientSchema,
  type GroupState,
  type GroupTree,
  groupSchema,
  namedSchema,
  type RealmState,
  type RoleClientState,
  scopeSchema,
  sessionSchema,
  type UserState,
  userSchema,
} from './realm-state.ts'

/**
 * Reads the parts of the realm that concern the account; changes nothing.
 *
 * @throws PermanentError (`forbidden`, `not-found`, `response-shape`), and what the Admin API's client throws
 */
export async function readRealmState(
  admin: KeycloakAdmin,
  realm: string,
  target: ProvisionTarget,
  own: OwnCredential,
): Promise<RealmState> {
  const client = await findClient(admin, target.clientId)
  const user = client?.serviceAccountsEnabled ? await readUser(admin, client.id) : undefined
  const scopes = parse(z.array(scopeSchema), await admin.clientScopes.find())
  const roleClients = new Map<string, RoleClientState>()
  const names = [...target.roles.map(role => role.client), ...(target.hasura ? [target.hasura.application] : [])]
  for (const name of new Set(names)) {
    const state = await readRoleClient(admin, name, client, user?.id)
    if (state) roleClients.set(name, state)
  }
  const knowsSecret = client && own.kind === 'secret' ? await compareSecret(admin, client, own) : undefined
  return {
    realm,
    ...(client && { client }),
    ...(await readClientScopes(admin, client)),
    scopes,
    roleClients,
    ...(user && { user }),
    groups: target.group === undefined ? [] : await findGroups(admin, target.group),
    ...(knowsSecret !== undefined && { knowsSecret }),
    ...(client && { hasSessions: await hasSessions(admin, client, user) }),
  }
}

async function hasSessions(admin: KeycloakAdmin, { id }: ClientState, user: UserState | undefined): Promise<boolean> {
  const page = { id, first: 0, max: 100 }
  const lists = [await admin.clients.listSessions(page), await admin.clients.listOfflineSessions(page)]
  return parse(z.array(sessionSchema), lists.flat()).some(({ userId }) => userId !== user?.id)
}

export async function findClient(admin: KeycloakAdmin, clientId: string): Promise<ClientState | undefined> {
  const found = parse(z.array(clientSchema), await admin.clients.find({ clientId }))
  return found.find(client => client.clientId === clientId)
}

/** A new client gets the realm's default scopes. */
export async function readClientScopes(admin: KeycloakAdmin, client: ClientState | undefined) {
  const [defaults, optional] = client
    ? [await admin.clients.listDefaultClientScopes(client), await admin.clients.listOptionalClientScopes(client)]
    : [await admin.clientScopes.listDefaultClientScopes(), await admin.clientScopes.listDefaultOptionalClientScopes()]
  return { defaultScopes: namesOf(defaults), optionalScopes: namesOf(optional) }
}

async function readRoleClient(
  admin: KeycloakAdmin,
  clientId: string,
  client: ClientState | undefined,
  user: string | undefined,
): Promise<RoleClientState | undefined> {
  const owner = await findClient(admin, clientId)
  if (!owner) return undefined
  const held = user && (await admin.users.listCompositeClientRoleMappings({ id: user, clientUniqueId: owner.id }))
  const roles = namesOf(await admin.clients.listRoles({ id: owner.id }))
  const state = { enabled: owner.enabled, roles, held: held ? namesOf(held) : [] }
  // Its own roles are always in a client's scope.
  if (!client || client.fullScopeAllowed || client.id === owner.id) return state
  const mapped = await admin.clients.listCompositeClientScopeMappings({ id: client.id, client: owner.id })
  return { ...state, letThrough: namesOf(mapped) }
}

async function readUser(admin: KeycloakAdmin, client: string): Promise<UserState> {
  const user = parse(userSchema, await admin.clients.getServiceAccountUser({ id: client }))
  const groups = parse(z.array(groupSchema), await admin.users.listGroups({ id: user.id }))
  return { ...user, groups: groups.map(({ path }) => path) }
}

async function findGroups(admin: KeycloakAdmin, group: string): Promise<readonly GroupState[]> {
  const name = group.split('/').findLast(part => part !== '') ?? group
  const trees = parse(z.array(groupSchema), await admin.groups.find({ search: name, exact: true }))
  const flatten = (tree: GroupTree): GroupTree[] => [tree, ...tree.subGroups.flatMap(flatten)]
  return trees.flatMap(flatten).filter(found => (group.startsWith('/') ? found.path : found.name) === group)
}

async function compareSecret(
  admin: KeycloakAdmin,
  { id }: ClientState,
  own: Extract<OwnCredential, { kind: 'secret' }>,
): Promise<boolean> {
  const secret = await findSecret(admin, id)
  return secret !== undefined && (own.is(secret) || explainUnreadable(secret) !== undefined)
}

/**
 * The client's secret, or undefined if it has none. It must never be shown.
 *
 * @throws PermanentError (`secret-hidden`) if Keycloak answers something else instead of it
 */
export async function readSecret(admin: KeycloakAdmin, client: string): Promise<string | undefined> {
  const secret = await findSecret(admin, client)
  const reason = secret === undefined ? undefined : explainUnreadable(secret)
  if (reason) throw new PermanentError('secret-hidden', reason)
  return secret
}

async function findSecret(admin: KeycloakAdmin, client: string): Promise<string | undefined> {
  return parse(z.object({ value: z.string().optional() }), await admin.clients.getClientSecret({ id: client })).value
}

/** Why what Keycloak answers says nothing about the secret; undefined if it is the secret. */
function explainUnreadable(answered: string): Explanation | undefined {
  if (answered === '**********') {
    return {
      found: "Keycloak answers asterisks in place of the client's secret",
      remedy:
        'if the client was imported from an export without secrets, they are its secret: regenerate it (Clients → the client → Credentials); otherwise assign manage-clients of client "realm-management" to the administrator, because since Keycloak 26.8.0 view-clients does not suffice',
    }
  }
  if (!answered.startsWith('${vault.')) return undefined
  return {
    found: "Keycloak has only a reference to its vault in place of the client's secret",
    remedy: 'write the secret that the vault has into CLIENT_SECRET_FILE, and to rotate it, replace it in both',
  }
}

function namesOf(list: unknown): readonly string[] {
  return parse(z.array(namedSchema), list).map(({ name }) => name)
}

/** Without the response, which may contain a secret. */
export function parse<T>(schema: z.ZodType<T>, answer: unknown): T {
  const read = schema.safeParse(answer)
  if (read.success) return read.data
  const path = read.error.issues[0]?.path.join('.') || 'the whole'
  throw new PermanentError('response-shape', {
    found: `A response of Keycloak's Admin API differs from its documentation (at ${path})`,
    remedy: 'check that KEYCLOAK_ADMIN_… and the issuer name a Keycloak of version 24 or later',
  })
}
