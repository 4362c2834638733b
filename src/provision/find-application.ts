import { z } from 'zod'
import type { Login } from '../account.ts'
import { builtInClients } from '../auth/find-hasura-claims.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import { hasuraScope, usualApplication } from './provision-target.ts'
import { findClient, parse, readClientScopes } from './read-realm-state.ts'
import { type MapperState, scopeSchema } from './realm-state.ts'

/**
 * The client whose roles are Hasura's, unless configured: the one that a mapper of the client's own reads, or of other scopes that it has;
 * otherwise the usual one, or the one of the realm's scope with Hasura's claims, which the client gets.
 */
export async function findApplication(admin: KeycloakAdmin, { clientId, scopes: asked }: Login): Promise<string> {
  const client = await findClient(admin, clientId)
  const { defaultScopes } = await readClientScopes(admin, client)
  const scopes = parse(z.array(scopeSchema), await admin.clientScopes.find())
  const mappersOf = (names: readonly string[]) =>
    scopes.filter(({ name }) => names.includes(name)).flatMap(({ protocolMappers }) => protocolMappers)
  const others = [...defaultScopes, ...asked].filter(name => name !== hasuraScope)
  const own = await findSource([...(client?.protocolMappers ?? []), ...mappersOf(others)])
  if (own !== undefined) return own
  if (await findClient(admin, usualApplication)) return usualApplication
  return (await findSource(mappersOf([hasuraScope]))) ?? usualApplication

  async function findSource(mappers: readonly MapperState[]): Promise<string | undefined> {
    for (const { config } of mappers) {
      const read = config['usermodel.clientRoleMapping.clientId']
      const isOfHasura = config['claim.name']?.endsWith('x-hasura-allowed-roles')
      // One that reads a client of Keycloak's own is a mistake.
      const isRead = read && isOfHasura && !builtInClients.has(read)
      if (isRead && (await findClient(admin, read))) return read
    }
    return undefined
  }
}
