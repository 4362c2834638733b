import type { OwnCredential } from './own-credential.ts'
import type { ProvisionTarget } from './provision-target.ts'
import { findClientKeys } from './public-key.ts'
import type { RealmState } from './realm-state.ts'
import type { Step } from './step.ts'

/** How the client authenticates: its authenticator, and the credential. */
export function planCredential(
  state: RealmState,
  target: ProvisionTarget,
  own: OwnCredential,
  rotate: boolean,
): readonly Step[] {
  return [...planAuthenticator(state, target), ...planOwnCredential(state, target, own, rotate)]
}

function planAuthenticator({ client }: RealmState, { clientId, authenticator }: ProvisionTarget): readonly Step[] {
  if (!client || client.clientAuthenticatorType === authenticator) return []
  const [current, wanted] = [nameOf(client.clientAuthenticatorType), nameOf(authenticator)]
  return [
    {
      action: { kind: 'change-client', change: { clientAuthenticatorType: authenticator } },
      check: 'client-auth',
      found: `client "${clientId}" authenticates by "${current}", but the account by "${wanted}"`,
      sentence: `set the authenticator "${wanted}" of client "${clientId}"`,
      place: `Clients → ${clientId} → Credentials → Client Authenticator`,
    },
  ]
}

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
 * If secrets differ, Keycloak's is kept, because others may already use it, unless it has expired; for keys
 * and certificates, the account's is kept.
 *
 * @param rotate replaces a valid one
 */
function planOwnCredential(
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
