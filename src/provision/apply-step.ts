import { z } from 'zod'
import type { Login } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { PermanentError } from '../errors.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import type { ProvisionTarget } from './provision-target.ts'
import { findClient, parse } from './read-realm-state.ts'
import { type ClientState, namedSchema, userSchema } from './realm-state.ts'
import { registerClientKey, replaceClientKey } from './register-key.ts'
import { replaceClientSecret, writeClientSecret } from './replace-client-secret.ts'
import { representationSchema } from './representation.ts'
import type { Action, ClientChange, UserChange } from './step.ts'

export interface ApplyDeps {
  readonly admin: KeycloakAdmin
  readonly target: ProvisionTarget
  readonly login: Login
  readonly readSecretFile: ReadSecretFile
}

/**
 * Carries out one step of a plan. Ids are looked up when they are needed, because an earlier step may have created what they
 * name.
 *
 * @throws ConfigError if a file can't be written, and what the Admin API's client throws
 */
export async function applyStep(action: Action, deps: ApplyDeps): Promise<void> {
  const { admin, target } = deps
  switch (action.kind) {
    case 'create-client':
      await admin.clients.create(newClient(target))
      return
    case 'change-client':
      return changeClient(admin, target.clientId, action.change)
    case 'write-secret':
      return writeClientSecret(deps, (await getClient(admin, target.clientId)).id)
    case 'rotate-secret':
      return replaceClientSecret(deps, (await getClient(admin, target.clientId)).id)
    case 'create-key':
    case 'register-key':
    case 'rotate-key': {
      const client = await getClient(admin, target.clientId)
      const setAttributes = (attributes: Readonly<Record<string, string>>) =>
        changeClient(admin, target.clientId, { attributes })
      if (action.kind === 'rotate-key') return replaceClientKey(deps, client.attributes, setAttributes)
      return registerClientKey(deps, client.attributes, setAttributes)
    }
    case 'create-scope':
      await admin.clientScopes.create({
        name: action.scope,
        protocol: 'openid-connect',
        attributes: { 'include.in.token.scope': 'true' },
      })
      return
    case 'assign-role':
    case 'let-role-through':
      return giveRole(deps, action)
    case 'change-user':
      return changeUser(admin, target, action.change)
    case 'join-group': {
      const { user } = await getUser(admin, target)
      await admin.users.addToGroup({ id: user.id, groupId: action.groupId })
      return
    }
    default:
      return changeScope(deps, action)
  }
}

type ScopeAction = Extract<
  Action,
  { kind: 'change-scope' | 'add-mapper' | 'change-mapper' | 'remove-mapper' | 'attach-scope' }
>

async function changeScope({ admin, target }: ApplyDeps, action: ScopeAction): Promise<void> {
  const found = parse(z.array(z.looseObject(namedSchema.shape)), await admin.clientScopes.find())
  const scope = found.find(({ name }) => name === action.scope)
  if (!scope) throw vanished(`client scope "${action.scope}"`)
  const { id } = scope
  switch (action.kind) {
    case 'change-scope': {
      const attributes = { ...parse(representationSchema, scope.attributes ?? {}), ...action.attributes }
      return admin.clientScopes.update({ id }, { ...scope, attributes })
    }
    case 'add-mapper': {
      const { config, ...mapper } = action.mapper
      const mine = { ...config, 'id.token.claim': 'false', 'userinfo.token.claim': 'false' }
      return admin.clientScopes.addProtocolMapper({ id }, { ...mapper, config: mine })
    }
    case 'change-mapper': {
      const query = { id, mapperId: action.id }
      const before = parse(mapperShape, await admin.clientScopes.findProtocolMapper(query))
      const { 'usermodel.clientRoleMapping.rolePrefix': _none, ...kept } = before.config
      // Settings of another type of mapper don't apply to this one.
      const config = before.protocolMapper === action.mapper.protocolMapper ? kept : {}
      const mapper = { ...action.mapper, id: action.id, config: { ...config, ...action.mapper.config } }
      return admin.clientScopes.updateProtocolMapper(query, mapper)
    }
    case 'remove-mapper':
      return admin.clientScopes.delProtocolMapper({ id, mapperId: action.id })
    case 'attach-scope': {
      const client = await getClient(admin, target.clientId)
      const link = { id: client.id, clientScopeId: id }
      if (action.as === 'optional') return admin.clients.addOptionalClientScope(link)
      await admin.clients.delOptionalClientScope(link)
      return admin.clients.addDefaultClientScope(link)
    }
  }
}

const mapperShape = z.object({ protocolMapper: z.string(), config: representationSchema.default({}) })

function newClient({ clientId, authenticator }: ProvisionTarget) {
  return {
    clientId,
    protocol: 'openid-connect',
    enabled: true,
    publicClient: false,
    bearerOnly: false,
    serviceAccountsEnabled: true,
    standardFlowEnabled: false,
    implicitFlowEnabled: false,
    directAccessGrantsEnabled: false,
    clientAuthenticatorType: authenticator,
  }
}

/** Keycloak replaces the whole representation, so all of it must be sent. */
async function changeClient(admin: KeycloakAdmin, clientId: string, change: ClientChange): Promise<void> {
  const { id } = await getClient(admin, clientId)
  const before = parse(representationSchema, await admin.clients.findOne({ id }))
  const attributes = { ...parse(representationSchema, before.attributes ?? {}), ...change.attributes }
  await admin.clients.update({ id }, { ...before, ...change, attributes })
}

async function changeUser(admin: KeycloakAdmin, target: ProvisionTarget, change: UserChange): Promise<void> {
  const { user } = await getUser(admin, target)
  const before = parse(representationSchema, await admin.users.findOne({ id: user.id }))
  await admin.users.update({ id: user.id }, { ...before, ...change })
}

async function giveRole(
  { admin, target }: ApplyDeps,
  { kind, client, role }: Extract<Action, { kind: 'assign-role' | 'let-role-through' }>,
): Promise<void> {
  const owner = await getClient(admin, client)
  const { user, clientUuid } = await getUser(admin, target)
  const found = parse(namedSchema.nullish(), await admin.clients.findRole({ id: owner.id, roleName: role }))
  if (!found) throw vanished(`role "${role}" of client "${client}"`)
  if (kind === 'assign-role') {
    await admin.users.addClientRoleMappings({ id: user.id, clientUniqueId: owner.id, roles: [found] })
  } else {
    await admin.clients.addClientScopeMappings({ id: clientUuid, client: owner.id }, [found])
  }
}

async function getClient(admin: KeycloakAdmin, clientId: string): Promise<ClientState> {
  const client = await findClient(admin, clientId)
  if (client) return client
  throw vanished(`client "${clientId}"`)
}

async function getUser(admin: KeycloakAdmin, { clientId }: ProvisionTarget) {
  const client = await getClient(admin, clientId)
  return {
    clientUuid: client.id,
    user: parse(userSchema, await admin.clients.getServiceAccountUser({ id: client.id })),
  }
}

function vanished(what: string): PermanentError {
  return new PermanentError('not-found', {
    found: `Keycloak no longer has ${what}`,
    remedy: 'someone else is changing Keycloak; run the command again',
  })
}
