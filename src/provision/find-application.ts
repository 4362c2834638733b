import { z } from 'zod'
import type { Login } from '../account.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import { hasuraScope, usualApplication } from './provision-target.ts'
import { findClient, parse, readClientScopes } from './read-realm-state.ts'
import { scopeSchema } from './realm-state.ts'

/**
 * The client whose roles are Hasura's, unless configured: the usual one, or the one that a mapper reads, first of the client's own,
 * then of the scopes that it has, then of the realm's scope with Hasura's claims, which it gets.
 */
export async function findApplication(admin: KeycloakAdmin, { clientId, scopes: asked }: Login): Promise<string> {
  if (await findClient(admin, usualApplication)) return usualApplication
  const client = await findClient(admin, clientId)
  const { defaultScopes } = await readClientScopes(admin, client)
  const scopes = parse(z.array(scopeSchema), await admin.clientScopes.find())
  const mappersOf = (names: readonly string[]) =>
    scopes.filter(({ name }) => names.includes(name)).flatMap(({ protocolMappers }) => protocolMappers)
  const mappers = [
    ...(client?.protocolMappers ?? []),
    ...mappersOf([...defaultScopes, ...asked]),
    ...mappersOf([hasuraScope]),
  ]
  for (const { config } of mappers) {
    const read = config['usermodel.clientRoleMapping.clientId']
    const isOfHasura = config['claim.name']?.endsWith('x-hasura-allowed-roles')
    if (read && isOfHasura && (await findClient(admin, read))) return read
  }
  return usualApplication
}
