import { z } from 'zod'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import { hasuraScope, usualApplication } from './provision-target.ts'
import { findClient, parse } from './read-realm-state.ts'
import { scopeSchema } from './realm-state.ts'

/** The client whose roles are Hasura's, unless configured: the usual one, or the one that the realm's or the client's mapper reads. */
export async function findApplication(admin: KeycloakAdmin, clientId: string): Promise<string> {
  if (await findClient(admin, usualApplication)) return usualApplication
  const scopes = parse(z.array(scopeSchema), await admin.clientScopes.find())
  const shared = scopes.filter(({ name }) => name === hasuraScope).flatMap(({ protocolMappers }) => protocolMappers)
  const own = ((await findClient(admin, clientId))?.protocolMappers ?? []).filter(({ config }) =>
    config['claim.name']?.endsWith('x-hasura-allowed-roles'),
  )
  const read = [...shared, ...own].flatMap(({ config }) => config['usermodel.clientRoleMapping.clientId'] ?? [])
  for (const client of read) if (await findClient(admin, client)) return client
  return usualApplication
}
