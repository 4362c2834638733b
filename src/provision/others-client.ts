import { listNames } from '../names/list-names.ts'
import type { ClientState, RealmState } from './realm-state.ts'
import type { Obstacle, Step } from './step.ts'

/**
 * Why provision must leave the client alone: it gets no tokens, or others log in by it and a change may end that.
 *
 * @param credential what is to change about how the client authenticates
 */
export function findOthersClient(state: RealmState, credential: readonly Step[]): readonly Obstacle[] {
  const { client, secretExpired } = state
  if (!client) return []
  const { clientId, protocol, publicClient } = client
  const refuse = (found: string, more = ''): readonly Obstacle[] => {
    const advice = `set CLIENT_ID to a client of its own, which provision creates if there is none${more}`
    return [{ check: 'client-auth', found, advice }]
  }
  if (protocol !== 'openid-connect') {
    return refuse(`client "${clientId}" is one of the protocol ${protocol}, so it can't get tokens`)
  }
  const mayEndLogins = (change: Step['action']['kind']): boolean => {
    if (change === 'rotate-secret') return !secretExpired
    if (change === 'create-key' || change === 'register-key') return !keepsKeys(client.attributes)
    // That writes only the account's file.
    return change !== 'write-secret'
  }
  const flows = findOthersFlows(state)
  const found = publicClient
    ? `client "${clientId}" is public, so it can't authenticate`
    : credential.find(({ action }) => mayEndLogins(action.kind))?.found
  if (flows.length === 0 || found === undefined) return []
  return refuse(
    `${found}; others log in by this client (${listNames(flows)}), which a change may end`,
    `; or, if nobody does, turn that off under Clients → ${clientId} → Settings → Capability config`,
  )
}

/**
 * The flows by which others get tokens. Those that Keycloak's console gives a new client don't count while nobody seems to use them: the
 * console fills in the redirect URI `/*`, which without a root URL leads to Keycloak's own host, where an application may be as well, and a
 * password needs the client's secret too.
 */
export function findOthersFlows({ client, hasSessions = false }: RealmState): readonly string[] {
  if (!client) return []
  const { attributes, publicClient, standardFlowEnabled, redirectUris, rootUrl } = client
  const leadsNowhere = redirectUris.every(uri => uri === '/*' && rootUrl === '')
  const isNew = standardFlowEnabled && leadsNowhere && !hasSessions
  const flows: Readonly<Record<string, boolean>> = {
    'standard flow': standardFlowEnabled && !isNew,
    'direct access grants': client.directAccessGrantsEnabled && (publicClient || !isNew),
    'implicit flow': client.implicitFlowEnabled,
    'device authorization grant': attributes['oauth2.device.authorization.grant.enabled'] === 'true',
    'CIBA grant': attributes['oidc.ciba.grant.enabled'] === 'true',
  }
  return Object.keys(flows).filter(name => flows[name])
}

/** Whether a key can be added to those of the client, with everything that it accepts. */
function keepsKeys(attributes: ClientState['attributes']): boolean {
  const isSet = attributes['use.jwks.string'] === 'true' && attributes['use.jwks.url'] !== 'true'
  return isSet && !attributes['token.endpoint.auth.signing.alg']
}
