import { describe, expect, test } from 'vitest'
import { translateRefusal } from '../../src/auth/client-refusal.ts'

const asker = {
  clientId: 'sync',
  url: 'https://id/token',
  secretOrigin: 'CLIENT_SECRET',
  scopes: ['openid', 'hasura'],
  secret: 'canary',
}

describe('a refusal of the token endpoint', () => {
  test.each<[string, string | undefined, string, RegExp]>([
    [
      'unauthorized_client',
      'Invalid client or Invalid client credentials',
      'client-auth',
      /^Keycloak refused client "sync" at https:\/\/id\/token \(unauthorized_client: Invalid client.*check CLIENT_ID and the secret \(CLIENT_SECRET\)/,
    ],
    ['invalid_client', 'Invalid client or Invalid client credentials', 'client-auth', /unknown or disabled/],
    [
      'unauthorized_client',
      'Client not enabled to retrieve service account',
      'client-auth',
      /Service accounts roles under Clients → sync → Settings → Capability config/,
    ],
    [
      'unauthorized_client',
      'Public client not allowed to retrieve service account',
      'client-auth',
      /Client authentication under Clients → sync/,
    ],
    ['unsupported_grant_type', 'Unsupported grant_type', 'client-auth', /no client credentials grant/],
    ['something_else', undefined, 'client-auth', /\(something_else\): check CLIENT_ID, CLIENT_AUTH/],
    ['invalid_scope', 'Invalid scopes: hasura', 'scope', /refused the scopes "openid hasura".*Client scopes/],
    ['temporarily_unavailable', undefined, 'token-endpoint', /can't give tokens now/],
  ])('%s (%s) is told as %s', (error, description, code, sentence) => {
    const translated = translateRefusal({ error, description }, asker)
    expect(translated.code).toBe(code)
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
