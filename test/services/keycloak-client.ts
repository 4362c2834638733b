import { z } from 'zod'
import type { Realm } from './keycloak-realm.ts'

/** Parts of Keycloak's ClientRepresentation; attributes are added to those that are there. */
export interface ClientChange {
  readonly enabled?: boolean
  readonly secret?: string
  readonly publicClient?: boolean
  readonly serviceAccountsEnabled?: boolean
  readonly directAccessGrantsEnabled?: boolean
  readonly clientAuthenticatorType?: 'client-secret' | 'client-jwt' | 'client-x509'
  readonly attributes?: Readonly<Record<string, string>>
}

/** A client of the realm whose way to authenticate a test chooses. */
export interface KeycloakClient {
  readonly clientId: string
  change(change: ClientChange): Promise<void>
}

/** A confidential client with a service account, unless `change` says otherwise. */
export async function createKeycloakClient(
  realm: Pick<Realm, 'admin' | 'name'>,
  clientId: string,
  change: ClientChange,
): Promise<KeycloakClient> {
  const { admin, name } = realm
  const defaults = { publicClient: false, standardFlowEnabled: false, serviceAccountsEnabled: true }
  const id = await admin.post(`/${name}/clients`, { ...defaults, ...change, clientId })
  return {
    clientId,
    async change(next) {
      const path = `/${name}/clients/${id}`
      const representation = await admin.get(path, representationSchema)
      const attributes = { ...representation.attributes, ...next.attributes }
      await admin.put(path, { ...representation, ...next, attributes })
    },
  }
}

/** Keycloak replaces what it is sent, so all of a representation has to go back. */
const representationSchema = z.looseObject({ attributes: z.record(z.string(), z.unknown()).default({}) })
