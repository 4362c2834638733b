import { describe, expect, test } from 'vitest'
import type { Login } from '../../src/account.ts'
import { readLogin } from '../../src/config/read-login.ts'
import { renderExplanation, type Told } from '../../src/explanation.ts'

const minimal = { OIDC_ISSUER: 'https://id.example/realms/wiki', CLIENT_ID: 'sync' }
const base = { server: { issuer: minimal.OIDC_ISSUER }, clientId: 'sync', scopes: [] }

function read(values: Parameters<typeof readLogin>[0]): { login: Login | undefined; problems: string[] } {
  const problems: Told[] = []
  const login = readLogin({ ...minimal, ...values }, variable => variable, problems)
  return { login, problems: problems.map(renderExplanation) }
}

describe('a login', () => {
  test.each<[Parameters<typeof readLogin>[0], object]>([
    [{ CLIENT_SECRET: 's' }, { method: 'client_secret_basic', secret: { value: 's' } }],
    [
      { CLIENT_SECRET: 's', TOKEN_URL: 'https://inside.example/token' },
      {
        server: { issuer: minimal.OIDC_ISSUER, tokenUrl: 'https://inside.example/token' },
        method: 'client_secret_basic',
        secret: { value: 's' },
      },
    ],
    [
      { CLIENT_SECRET: 's', OIDC_ISSUER: `${minimal.OIDC_ISSUER}/.well-known/openid-configuration` },
      { method: 'client_secret_basic', secret: { value: 's' } },
    ],
    [
      { CLIENT_AUTH: 'client_secret_post', CLIENT_SECRET_FILE: '/s', CLIENT_SECRET: 's' },
      { method: 'client_secret_post', secret: { file: '/s' } },
    ],
    [
      { CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: '/k' },
      { method: 'private_key_jwt', keyFile: '/k' },
    ],
    [
      { CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: '/k', CLIENT_KEY_ID: 'a' },
      { method: 'private_key_jwt', keyFile: '/k', keyId: 'a' },
    ],
    [
      { CLIENT_AUTH: 'tls_client_auth', CLIENT_CERT_FILE: '/c', CLIENT_KEY_FILE: '/k' },
      { method: 'tls_client_auth', certificateFile: '/c', keyFile: '/k' },
    ],
    [
      { CLIENT_AUTH: 'password', USERNAME_FILE: '/u', PASSWORD_FILE: '/p' },
      { method: 'password', usernameFile: '/u', passwordFile: '/p' },
    ],
    [
      { CLIENT_AUTH: 'password', USERNAME_FILE: '/u', PASSWORD_FILE: '/p', CLIENT_SECRET_FILE: '/s' },
      { method: 'password', usernameFile: '/u', passwordFile: '/p', secret: { file: '/s' } },
    ],
    [
      { CLIENT_SECRET: 's', ALLOW_INSECURE_ISSUER: 'true' },
      { method: 'client_secret_basic', secret: { value: 's' }, allowInsecure: true },
    ],
  ])('is read from %j', (values, login) => {
    expect(read(values)).toEqual({ login: { ...base, ...login }, problems: [] })
  })

  test.each<[Parameters<typeof readLogin>[0], RegExp[]]>([
    [{ CLIENT_AUTH: 'private_key_jwt' }, [/^CLIENT_KEY_FILE is missing: .*private key.*CLIENT_AUTH=private_key_jwt/]],
    [{ CLIENT_AUTH: 'tls_client_auth' }, [/^CLIENT_CERT_FILE is missing/, /^CLIENT_KEY_FILE is missing/]],
    [{ CLIENT_AUTH: 'password', USERNAME_FILE: '/u' }, [/^PASSWORD_FILE is missing/]],
    [
      { CLIENT_AUTH: 'private_key_jwt', CLIENT_KEY_FILE: '/k', CLIENT_SECRET: 'canary' },
      [/^CLIENT_SECRET has no effect/],
    ],
    [
      { CLIENT_SECRET: 'canary', CLIENT_KEY_FILE: '/k' },
      [/^CLIENT_KEY_FILE has no effect with CLIENT_AUTH client_secret_basic/],
    ],
    [
      { CLIENT_SECRET: 'canary', ALLOW_INSECURE_ISSUER: 'yes' },
      [/^ALLOW_INSECURE_ISSUER is "yes": set it to true or false/],
    ],
    [{ CLIENT_AUTH: 'tls' }, [/^CLIENT_AUTH is "tls": set it to one of client_secret_basic, .*, password$/]],
  ])('with %j is told what to mend', (values, sentences) => {
    const { login, problems } = read(values)
    expect(login).toBeUndefined()
    expect(problems).toEqual(sentences.map(sentence => expect.stringMatching(sentence)))
    expect(problems.join()).not.toContain('canary')
  })
})
