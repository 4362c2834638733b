import { servesPeople } from './others-client.ts'
import type { OwnCredential } from './own-credential.ts'
import type { ProvisionTarget } from './provision-target.ts'
import { findClientKeys } from './public-key.ts'
import type { ClientState, RealmState } from './realm-state.ts'
import type { ClientChange, Step } from './step.ts'

/** The client itself: confidential, enabled, with a service account and no other way to get tokens, unless people log in by it. */
export function planClient({ realm, client }: RealmState, target: ProvisionTarget): readonly Step[] {
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
    ...otherFlows.map(
      ({ isOn, name, change }) =>
        [isOn(client), `also allows the ${name}`, `turn off the ${name} for`, capabilities, change] as const,
    ),
    [
      client.clientAuthenticatorType !== target.authenticator,
      `authenticates by "${nameOf(client.clientAuthenticatorType)}", but the account by "${nameOf(target.authenticator)}"`,
      `set the authenticator "${nameOf(target.authenticator)}" of`,
      `Clients → ${clientId} → Credentials → Client Authenticator`,
      { clientAuthenticatorType: target.authenticator },
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
      check: otherFlows.some(flow => flow.change === change) ? 'config' : 'client-auth',
      found: `client "${clientId}" ${found}`,
      sentence: `${does} client "${clientId}"`,
      place,
    }
  }
}

/** Since Keycloak 26.6; absent or empty if it accepts each. */
const secretMethodName = 'client.secret.authentication.allowed.method'

const otherFlows: readonly { isOn: (client: ClientState) => boolean; name: string; change: ClientChange }[] = [
  {
    isOn: client => client.standardFlowEnabled && !servesPeople(client),
    name: 'standard flow',
    change: { standardFlowEnabled: false },
  },
  {
    isOn: client => client.implicitFlowEnabled && !servesPeople(client),
    name: 'implicit flow',
    change: { implicitFlowEnabled: false },
  },
  {
    isOn: client => client.directAccessGrantsEnabled,
    name: 'direct access grants',
    change: { directAccessGrantsEnabled: false },
  },
  ...(['oauth2.device.authorization.grant.enabled', 'oidc.ciba.grant.enabled'] as const).map(attribute => ({
    isOn: ({ attributes }: ClientState) => attributes[attribute] === 'true',
    name: attribute.includes('ciba') ? 'CIBA grant' : 'device authorization grant',
    change: { attributes: { [attribute]: 'false' } },
  })),
]

function nameOf(authenticator: string): string {
  return authenticatorNames[authenticator] ?? authenticator
}

/** As named in Keycloak's console. */
const authenticatorNames: Readonly<Record<string, string>> = {
  'client-secret': 'Client Id and Secret',
  'client-jwt': 'Signed JWT',
  'client-secret-jwt': 'Signed JWT with Client Secret',
  'client-x509': 'X509 Certificate',
}

/**
 * The client's credential. If secrets differ, Keycloak's is kept, because others may already use it, unless it has expired; for keys
 * and certificates, the account's is kept.
 *
 * @param rotate replaces a valid one
 */
export function planCredential(
  { client, knowsSecret, secretExpired }: RealmState,
  { clientId }: ProvisionTarget,
  own: OwnCredential,
  rotate: boolean,
): readonly Step[] {
  const plan = (action: Step['action'], found: string, sentence: string, place: string): readonly Step[] => [
    { action, check: 'client-auth', found, sentence, place: `Clients → ${clientId} → ${place}` },
  ]
  switch (own.kind) {
    case 'secret': {
      if (client && (secretExpired || (own.isThere && knowsSecret))) {
        if (!secretExpired && !rotate) return []
        const found = secretExpired ? `the secret of client "${clientId}" has expired` : 'the secret is to be replaced'
        const sentence = `replace the secret of client "${clientId}", in Keycloak and in ${own.origin}`
        return plan({ kind: 'rotate-secret' }, found, sentence, 'Credentials')
      }
      const found = own.isThere
        ? `the secret in ${own.origin} is not that of client "${clientId}"`
        : `${own.origin} has no secret yet`
      const sentence = `write the secret of client "${clientId}" into ${own.origin}${own.isThere ? ', replacing the current one' : ''}`
      return plan({ kind: 'write-secret' }, found, sentence, 'Credentials')
    }
    case 'key': {
      const { key, origin } = own
      if (!key) {
        const sentence = `create a key in ${origin}, and register its public key with client "${clientId}"`
        return plan({ kind: 'create-key' }, `${origin} has no key yet`, sentence, 'Keys')
      }
      const isKnown = findClientKeys(client?.attributes ?? {}).some(
        known =>
          known.thumbprint === key.thumbprint &&
          // A key that was imported has no name, so Keycloak can't find it by one.
          (key.keyId === undefined || known.keyId === key.keyId),
      )
      const signing = client?.attributes['token.endpoint.auth.signing.alg'] || key.algorithm
      if (isKnown && signing === key.algorithm) {
        if (!rotate) return []
        const sentence = `replace the key of client "${clientId}", in Keycloak and in ${origin}`
        return plan({ kind: 'rotate-key' }, 'the key is to be replaced', sentence, 'Keys')
      }
      const found = isKnown
        ? `client "${clientId}" accepts only assertions signed by ${signing}, but the key signs by ${key.algorithm}`
        : `client "${clientId}" doesn't know the key in ${origin}`
      return plan(
        { kind: 'register-key' },
        found,
        `register the public key of ${origin} with client "${clientId}"`,
        'Keys',
      )
    }
    case 'certificate': {
      const { 'x509.subjectdn': subject, 'x509.allow.regex.pattern.comparison': regex } = client?.attributes ?? {}
      if (subject && expects(subject, regex === 'true', own.subject)) return []
      const change = { attributes: { 'x509.subjectdn': own.subject, 'x509.allow.regex.pattern.comparison': 'false' } }
      return plan(
        { kind: 'change-client', change },
        `client "${clientId}" expects ${subject ? `the subject "${subject}"` : 'no subject'}, but the certificate in ${own.file} names "${own.subject}"`,
        `let client "${clientId}" expect the subject "${own.subject}"`,
        'Credentials → Subject DN',
      )
    }
  }
}

/** Keycloak ignores spaces when it compares names, or treats its own setting as a pattern. */
function expects(configured: string, isPattern: boolean, subject: string): boolean {
  if (!isPattern) return configured.replaceAll(/,\s+/g, ',') === subject.replaceAll(/,\s+/g, ',')
  try {
    return new RegExp(`^(?:${configured})$`).test(subject)
  } catch {
    return false
  }
}
