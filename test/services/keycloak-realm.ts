import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type KeycloakAccess, KeycloakAdmin } from './keycloak-admin.ts'
import { hasuraMappers } from './keycloak-hasura-mappers.ts'

const APPLICATION_CLIENT = 'phonemos-hasura'
const APPLICATION_ROLES = ['viewer', 'editor', 'manager', 'restorer']
/** The client that stands for the worker's own HTTP API: its id is the audience, its role is what callers need. */
export const WORKER_API = { audience: 'hasura-sync-worker', role: 'request-jobs' }

export interface ServiceAccount {
  /** Keycloak's own id of the client, for the paths of the Admin API. */
  readonly id: string
  readonly clientId: string
  /** The secret at the time it was created. */
  readonly clientSecret: string
  /** The id of the service account's user, which is the `sub` of its tokens. */
  readonly subject: string
}

export interface Realm extends ServiceAccount, AsyncDisposable {
  readonly name: string
  readonly issuer: string
  readonly tokenUrl: string
  readonly jwksUrl: string
  /** For what the methods below don't do; paths start below `/admin/realms`. */
  readonly admin: KeycloakAdmin
  grantRole(role: string): Promise<void>
  revokeRole(role: string): Promise<void>
  /** Returns the new secret; the old one is refused from now on. */
  regenerateSecret(): Promise<string>
  setEnabled(enabled: boolean): Promise<void>
  /** Whether the worker's client has the `hasura` scope. */
  setHasuraScope(assigned: boolean): Promise<void>
  /** Whether the client credentials answer carries a refresh token. */
  setRefreshTokens(wanted: boolean): Promise<void>
  setAccessTokenLifespan(seconds: number): Promise<void>
  /** Replaces the signing key: tokens issued before no longer verify. */
  rotateKeys(): Promise<void>
  /** A client that may ask the worker for jobs over HTTP, if `roles` (default: the one it needs) say so. */
  createCaller(options?: { clientId?: string; roles?: string[] }): Promise<ServiceAccount>
  /** Keycloak deletes the user along with it, and with the user its roles: there is no way back. */
  removeServiceAccount(client: ServiceAccount): Promise<void>
  remove(): Promise<void>
}

export interface RealmOptions {
  /** Application roles of the worker's user. Default: viewer and editor. */
  roles?: string[]
  /** What the mapper of x-hasura-default-role says. Default: viewer. */
  defaultRole?: string
}

/** A realm set up the way Phonemos asks for, with the worker's service account `sync-worker` in it. */
export async function createRealm(
  keycloak: KeycloakAccess,
  name = `realm-${randomUUID()}`,
  options: RealmOptions = {},
): Promise<Realm> {
  const admin = new KeycloakAdmin(keycloak)
  await admin.post('', { realm: name, enabled: true, accessTokenLifespan: 300 })
  const application = await createApplication(admin, name, APPLICATION_CLIENT, APPLICATION_ROLES)
  const scope = await admin.post(`/${name}/client-scopes`, {
    name: 'hasura',
    protocol: 'openid-connect',
    attributes: { 'include.in.token.scope': 'true' },
    protocolMappers: hasuraMappers(APPLICATION_CLIENT, options.defaultRole ?? 'viewer'),
  })
  const worker = await createServiceAccount(admin, name, 'sync-worker')
  const setHasuraScope = (assigned: boolean) => {
    const path = `/${name}/clients/${worker.id}/default-client-scopes/${scope}`
    return assigned ? admin.put(path) : admin.delete(path)
  }
  await setHasuraScope(true)
  await describeUser(admin, name, worker.subject)
  const grantRole = (role: string) => assignRole(admin, name, worker.subject, application, role)
  for (const role of options.roles ?? ['viewer', 'editor']) await grantRole(role)
  const workerApi = await createApplication(admin, name, WORKER_API.audience, [WORKER_API.role])

  const issuer = `${keycloak.url}/realms/${name}`
  const remove = () => admin.delete(`/${name}`)
  return {
    name,
    issuer,
    tokenUrl: `${issuer}/protocol/openid-connect/token`,
    jwksUrl: `${issuer}/protocol/openid-connect/certs`,
    ...worker,
    admin,
    grantRole,
    revokeRole: role => unassignRole(admin, name, worker.subject, application, role),
    regenerateSecret: async () =>
      (await admin.postFor(`/${name}/clients/${worker.id}/client-secret`, secretSchema)).value,
    setEnabled: enabled => changeClient(admin, name, worker.id, { enabled }),
    setHasuraScope,
    setRefreshTokens: wanted =>
      changeClient(admin, name, worker.id, { attributes: { 'client_credentials.use_refresh_token': String(wanted) } }),
    setAccessTokenLifespan: seconds => admin.put(`/${name}`, { accessTokenLifespan: seconds }),
    rotateKeys: () => replaceSigningKey(admin, name),
    createCaller: async ({ clientId = 'orders-service', roles = [WORKER_API.role] } = {}) => {
      const caller = await createServiceAccount(admin, name, clientId)
      for (const role of roles) await assignRole(admin, name, caller.subject, workerApi, role)
      return caller
    },
    removeServiceAccount: client => changeClient(admin, name, client.id, { serviceAccountsEnabled: false }),
    remove,
    [Symbol.asyncDispose]: remove,
  }
}

const idSchema = z.object({ id: z.string() })
const secretSchema = z.object({ value: z.string() })
const roleSchema = z.object({ id: z.string(), name: z.string() })
/** Keycloak replaces what it is sent, so all of a representation has to go back. */
const representationSchema = z.record(z.string(), z.unknown())

/** A client that nobody logs in as: it only has roles. Returns its id. */
async function createApplication(
  admin: KeycloakAdmin,
  realm: string,
  clientId: string,
  roles: string[],
): Promise<string> {
  const id = await admin.post(`/${realm}/clients`, { clientId, publicClient: false, standardFlowEnabled: false })
  for (const role of roles) await admin.post(`/${realm}/clients/${id}/roles`, { name: role })
  return id
}

async function createServiceAccount(admin: KeycloakAdmin, realm: string, clientId: string): Promise<ServiceAccount> {
  const clientSecret = randomUUID()
  const id = await admin.post(`/${realm}/clients`, {
    clientId,
    secret: clientSecret,
    publicClient: false,
    standardFlowEnabled: false,
    serviceAccountsEnabled: true,
  })
  const user = await admin.get(`/${realm}/clients/${id}/service-account-user`, idSchema)
  return { id, clientId, clientSecret, subject: user.id }
}

/** Phonemos knows users by a verified email address, and those of the group as its own. */
async function describeUser(admin: KeycloakAdmin, realm: string, user: string): Promise<void> {
  const path = `/${realm}/users/${user}`
  const representation = await admin.get(path, representationSchema)
  await admin.put(path, { ...representation, email: 'serviceaccount@local', emailVerified: true })
  const group = await admin.post(`/${realm}/groups`, { name: 'phonemos' })
  await admin.put(`${path}/groups/${group}`)
}

async function assignRole(
  admin: KeycloakAdmin,
  realm: string,
  user: string,
  client: string,
  role: string,
): Promise<void> {
  const representation = await admin.get(`/${realm}/clients/${client}/roles/${role}`, roleSchema)
  await admin.post(`/${realm}/users/${user}/role-mappings/clients/${client}`, [representation])
}

async function unassignRole(
  admin: KeycloakAdmin,
  realm: string,
  user: string,
  client: string,
  role: string,
): Promise<void> {
  const representation = await admin.get(`/${realm}/clients/${client}/roles/${role}`, roleSchema)
  await admin.delete(`/${realm}/users/${user}/role-mappings/clients/${client}`, [representation])
}

async function changeClient(
  admin: KeycloakAdmin,
  realm: string,
  client: string,
  change: { enabled?: boolean; serviceAccountsEnabled?: boolean; attributes?: Record<string, string> },
): Promise<void> {
  const path = `/${realm}/clients/${client}`
  const representation = await admin.get(path, representationSchema)
  const attributes = { ...representationSchema.parse(representation.attributes ?? {}), ...change.attributes }
  await admin.put(path, { ...representation, ...change, attributes })
}

const keysSchema = z.array(z.object({ id: z.string(), providerId: z.string() }))

async function replaceSigningKey(admin: KeycloakAdmin, realm: string): Promise<void> {
  const { id: parentId } = await admin.get(`/${realm}`, idSchema)
  const type = 'org.keycloak.keys.KeyProvider'
  const old = await admin.get(`/${realm}/components?type=${type}`, keysSchema)
  await admin.post(`/${realm}/components`, {
    name: `rsa-${randomUUID()}`,
    providerId: 'rsa-generated',
    providerType: type,
    parentId,
    config: { priority: ['200'] },
  })
  for (const { id } of old.filter(key => key.providerId === 'rsa-generated')) {
    await admin.delete(`/${realm}/components/${id}`)
  }
}
