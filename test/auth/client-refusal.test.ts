import { describe, expect, test } from 'vitest'
import { translateRefusal } from '../../src/auth/client-refusal.ts'
import type { Asker } from '../../src/auth/refused-grant.ts'

const asker: Asker = {
  clientId: 'sync',
  method: 'client_secret_basic',
  url: 'https://id/token',
  origin: 'CLIENT_SECRET',
  scopes: ['openid', 'hasura'],
  secrets: ['canary'],
  serverAheadMs: 0,
}

describe('a refusal of the token endpoint', () => {
  test.each<[string, string | undefined, string, RegExp]>([
    [
      'unauthorized_client',
      'Invalid client or Invalid client credentials',
      'client-auth',
      /^Keycloak refused client "sync" at https:\/\/id\/token \(unauthorized_client: Invalid client.*check CLIENT_ID, and compare the secret \(CLIENT_SECRET\)/,
    ],
    [
      'invalid_client',
      'Invalid client or Invalid client credentials',
      'client-auth',
      /unknown or disabled.*Clients → sync → Credentials, where Client Authenticator must be Client Id and Secret$/,
    ],
    [
      'unauthorized_client',
      'Client not enabled to retrieve service account',
      'client-auth',
      /Service account roles under Clients → sync → Settings → Capability config/,
    ],
    [
      'unauthorized_client',
      'Public client not allowed to retrieve service account',
      'client-auth',
      /Client authentication under Clients → sync/,
    ],
    // Keycloak 26.7's words.
    [
      'unauthorized_client',
      "Invalid method used to get client secret. Client requires method 'client_secret_post' to obtain client secret from the request",
      'client-auth',
      /not accept its secret by client_secret_basic: set CLIENT_AUTH.*Allowed authentication method to Any under Clients → sync → Credentials/,
    ],
    ['unsupported_grant_type', 'Unsupported grant_type', 'client-auth', /not support the client credentials grant/],
    ['something_else', undefined, 'client-auth', /\(something_else\): check CLIENT_ID, CLIENT_AUTH/],
    ['invalid_scope', 'Invalid scopes: hasura', 'scope', /refused the scopes "openid hasura".*Client scopes/],
    ['temporarily_unavailable', undefined, 'token-endpoint', /can't issue tokens now/],
  ])('%s (%s) is told as %s', (error, description, code, sentence) => {
    const translated = translateRefusal({ error, description }, asker)
    expect(translated.code).toBe(code)
    expect(translated.message).toMatch(sentence)
  })

  // Keycloak 26.5's own words for each.
  test.each<[Asker['method'], string, string, RegExp]>([
    ['private_key_jwt', 'invalid_client', 'Unable to load public key', /Clients → sync → Keys.*CLIENT_KEY_ID/],
    [
      'private_key_jwt',
      'invalid_client',
      'Client authentication with signed JWT failed: Signature on JWT token failed validation',
      /signature is wrong.*Clients → sync → Keys/,
    ],
    ['private_key_jwt', 'invalid_client', 'Token is not active', /compare the clocks/],
    [
      'private_key_jwt',
      'invalid_client',
      'Invalid token audience',
      /OIDC_ISSUER, also together with TOKEN_URL, to the issuer of its discovery/,
    ],
    ['private_key_jwt', 'unauthorized_client', 'Invalid client or Invalid client credentials', /Client Authenticator/],
    [
      'private_key_jwt',
      'invalid_client',
      'Invalid client or Invalid client credentials',
      /assertion is not accepted.*Clients → sync → Keys, and Client Authenticator under Credentials is Signed JWT$/,
    ],
    [
      'client_secret_basic',
      'invalid_client',
      'Parameter client_assertion_type is missing',
      /CLIENT_AUTH=private_key_jwt/,
    ],
    ['tls_client_auth', 'invalid_client', 'Invalid client or Invalid client credentials', /Credentials → Subject DN/],
    ['tls_client_auth', 'unauthorized_client', 'Invalid client or Invalid client credentials', /Client Authenticator/],
    [
      'password',
      'invalid_grant',
      'Invalid user credentials',
      /locked after.*one-time password.*Users → Credentials.*Temporarily locked/,
    ],
    ['password', 'invalid_grant', 'Account disabled', /Users → Enabled/],
    ['password', 'invalid_grant', 'Account is not fully set up', /Required user actions/],
    ['password', 'unauthorized_client', 'Client not allowed for direct access grants', /Direct access grants/],
    ['password', 'unauthorized_client', 'Invalid client or Invalid client credentials', /CLIENT_SECRET_FILE/],
    ['password', 'unsupported_grant_type', 'Unsupported grant_type', /not support the password grant/],
  ])('of %s with %s (%s) has its own remedy', (method, error, description, remedy) => {
    const translated = translateRefusal({ error, description }, { ...asker, method })
    expect(translated.code).toBe('client-auth')
    expect(translated.message).toMatch(remedy)
  })

  // Entra ID's words.
  test.each([
    'AADSTS7000222: The provided client secret keys for app are expired.',
    'AADSTS700016: Application not found for the requested audience.',
  ])('of a secret is not taken for one of an assertion: %s', description => {
    const translated = translateRefusal({ error: 'invalid_client', description }, asker)
    expect(translated.message).toMatch(/its secret is wrong: check CLIENT_ID/)
    expect(translated.message).not.toMatch(/assertion|clocks|audience, because/)
  })

  test.each([
    [90_000, /90 s ahead of ours/],
    [-3_600_000, /3600 s behind ours/],
  ])('of an assertion by a clock that is %d ms off says so', (serverAheadMs, sentence) => {
    const refusal = { error: 'invalid_client', description: 'Token is not active' }
    const translated = translateRefusal(refusal, { ...asker, method: 'private_key_jwt', serverAheadMs })
    expect(translated.message).toMatch(sentence)
  })

  test('is not quoted where it repeats the secret, and not at length', () => {
    expect(translateRefusal({ error: 'invalid_client', description: 'not canary' }, asker).message).not.toMatch(
      /canary/,
    )
    const long = translateRefusal({ error: 'invalid_client', description: `a\n${'b'.repeat(999)}` }, asker).message
    expect(long).toMatch(/a b+…/)
    expect(long.length).toBeLessThan(600)
  })
})
