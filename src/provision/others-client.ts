import { listNames } from '../names/list-names.ts'
import type { ClientState, RealmState } from './realm-state.ts'
import type { Obstacle } from './step.ts'

/** Why provision must not turn the client into a service account: others log in by it. */
export function findOthersClient({ client }: RealmState): readonly Obstacle[] {
  if (!client) return []
  const { clientId, protocol, publicClient } = client
  const plan = (found: string): readonly Obstacle[] => [
    {
      check: 'client-auth',
      found: `client "${clientId}" ${found}`,
      advice: 'set CLIENT_ID to a client of its own, which provision creates if there is none',
    },
  ]
  if (protocol !== 'openid-connect') return plan(`is one of the protocol ${protocol}, so it can't get tokens`)
  if (publicClient && servesPeople(client)) {
    return plan(
      `is public and people log in by it (${listNames(client.redirectUris)}), which a service account would end`,
    )
  }
  return []
}

/** Whether people log in by it in a browser: the console gives every new client the address `/*`. */
export function servesPeople({ standardFlowEnabled, implicitFlowEnabled, redirectUris }: ClientState): boolean {
  return (standardFlowEnabled || implicitFlowEnabled) && redirectUris.some(uri => !/^[/*]*$/.test(uri))
}
