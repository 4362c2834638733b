import { z } from 'zod'
import type { Realm } from '../services/keycloak-realm.ts'

const one = z.tuple([z.object({ id: z.string() })])
const user = z.object({ id: z.string() })
const role = z.object({ id: z.string(), name: z.string() })

/** Who of realm-management a client's service account is. */
export interface Manager {
  assign(role: string): Promise<void>
  unassign(role: string): Promise<void>
}

/** What Clients → the client → Service account roles is for, with the roles of realm-management. */
export async function openManager({ admin, name: realm }: Realm, clientId: string): Promise<Manager> {
  const [client] = await admin.get(`/${realm}/clients?clientId=${clientId}`, one)
  const { id } = await admin.get(`/${realm}/clients/${client.id}/service-account-user`, user)
  const [management] = await admin.get(`/${realm}/clients?clientId=realm-management`, one)
  const path = `/${realm}/users/${id}/role-mappings/clients/${management.id}`
  const find = (name: string) => admin.get(`/${realm}/clients/${management.id}/roles/${name}`, role)
  return {
    async assign(name) {
      await admin.post(path, [await find(name)])
    },
    async unassign(name) {
      await admin.delete(path, [await find(name)])
    },
  }
}
