import { findOthersFlows } from './others-client.ts'
import type { ProvisionTarget } from './provision-target.ts'
import type { RealmState } from './realm-state.ts'
import type { ClientChange, Step } from './step.ts'

/** The client itself: confidential, enabled, with a service account and no other flow, unless others log in by it. */
export function planClient(state: RealmState, target: ProvisionTarget): readonly Step[] {
  const { realm, client } = state
  const { clientId } = target
  const settings = `Clients → ${clientId} → Settings`
  if (!client) {
    const step = {
      check: 'client-auth' as const,
      found: `realm "${realm}" has no client "${clientId}"`,
      sentence: `create client "${clientId}" with a service account and no other flow`,
      place: 'Clients → Create client',
    }
    return [{ ...step, action: { kind: 'create-client' } }]
  }
  const isOthers = findOthersFlows(state).length > 0
  const capabilities = `${settings} → Capability config`
  const secretMethod = client.attributes[secretMethodName]
  const steps: readonly (readonly [differs: boolean, ...Parameters<typeof changeClient>])[] = [
    [!client.enabled, 'is disabled', 'enable', `${settings} → Enabled`, { enabled: true }],
    [
      client.publicClient || client.bearerOnly,
      `is ${client.publicClient ? 'public' : 'bearer-only'}, so it can't authenticate`,
      'turn on Client authentication for',
      capabilities,
      { publicClient: false, bearerOnly: false },
    ],
    [
      !client.serviceAccountsEnabled,
      'has its service account turned off',
      'turn on Service account roles for',
      capabilities,
      { serviceAccountsEnabled: true },
    ],
    [
      client.standardFlowEnabled && !isOthers,
      'also allows the standard flow',
      'turn off the standard flow for',
      capabilities,
      { standardFlowEnabled: false },
    ],
    [
      client.directAccessGrantsEnabled && !isOthers,
      'also allows the direct access grants',
      'turn off the direct access grants for',
      capabilities,
      { directAccessGrantsEnabled: false },
    ],
    [
      target.authenticator === 'client-secret' && ![undefined, '', target.method].includes(secretMethod),
      `accepts its secret by ${secretMethod} only, but the account sends it by ${target.method}`,
      'allow any method of sending the secret for',
      `Clients → ${clientId} → Credentials → Allowed authentication method`,
      { attributes: { [secretMethodName]: '' } },
    ],
  ]
  return steps.flatMap(([differs, ...rest]) => (differs ? [changeClient(...rest)] : []))

  function changeClient(found: string, does: string, place: string, change: ClientChange): Step {
    return {
      action: { kind: 'change-client', change },
      // Extra abilities of the client don't prevent a token.
      check: 'standardFlowEnabled' in change || 'directAccessGrantsEnabled' in change ? 'config' : 'client-auth',
      found: `client "${clientId}" ${found}`,
      sentence: `${does} client "${clientId}"`,
      place,
    }
  }
}

/** Since Keycloak 26.6; absent or empty if it accepts each. */
const secretMethodName = 'client.secret.authentication.allowed.method'
