import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Login } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { createKeycloakAccess } from '../../src/dashboard/keycloak-access.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { readJobSettings } from '../../src/definitions/job-settings.ts'
import { readOwnCredential } from '../../src/provision/own-credential.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pasted-secrets-'))
  await writeFile(join(folder, 'password'), 'canary')
})
afterAll(() => rm(folder, { recursive: true }))

const clock = new VirtualClock()
const readSecretFile = (path: string) => readFile(path, 'utf8')
const server = { tokenUrl: 'https://keycloak.example/token' }
const client = { server, clientId: 'sync', scopes: [] }
/** A PEM is longer than any name, and has slashes, like Base64. */
const pasted = [
  'canary0a1b2c3d',
  'canary/+x=',
  '/9canaryWzRkP3xQ+/ab8LmN5tYv2cD7fGhJ1sKqE=',
  '{"kty":"EC","d":"canary"}',
  `-----BEGIN KEY-----\ncanary/${'x'.repeat(300)}`,
]

const secretLogin = (file: string): Login => ({ ...client, method: 'client_secret_basic', secret: { file } })
const keyLogin = (keyFile: string): Login => ({ ...client, method: 'private_key_jwt', keyFile })
const passwordLogin = (usernameFile: string, passwordFile: string): Login => ({
  ...client,
  method: 'password',
  usernameFile,
  passwordFile,
})

const logIn = (login: Login) =>
  createRequestToken(login, { clock, readSecretFile })(undefined, new AbortController().signal)

const job = defineJob({
  name: 'index-articles',
  payload: z.strictObject({}),
  settings: z.object({ searchToken: z.string() }),
  run: async () => ({}),
})

const dashboard = (file: string) =>
  createKeycloakAccess(
    {
      issuer: 'https://keycloak.example/realms/wiki',
      clientId: 'dashboard',
      secret: { file },
      url: 'http://127.0.0.1',
      roles: {},
      insecureHosts: [],
    },
    { clock, readSecretFile },
  )

describe('a secret set where the path of its file belongs', () => {
  test.each<[string, (value: string) => Promise<unknown>]>([
    ['CLIENT_SECRET_FILE', value => logIn(secretLogin(value))],
    ['CLIENT_KEY_FILE', value => logIn(keyLogin(value))],
    ['CLIENT_CERT_FILE', value => logIn({ ...client, method: 'tls_client_auth', certificateFile: value, keyFile: '' })],
    ['USERNAME_FILE', value => logIn(passwordLogin(value, ''))],
    ['PASSWORD_FILE', value => logIn(passwordLogin(join(folder, 'password'), value))],
    [
      "a job's setting",
      async value => {
        const env = { SEARCH_TOKEN_FILE: value }
        await readJobSettings(job, { name: 'north' }, { env, readSecretFile })
      },
    ],
    ['DASHBOARD_CLIENT_SECRET_FILE', value => dashboard(value).find('hasura-sync-worker=x')],
  ])('as in %s is in no message', async (_name, use) => {
    for (const value of pasted) {
      expect((await failureOf(use(value))).message).toMatch(/no file has the name that is set.* \(E[A-Z]+\).*: set /)
    }
  })

  test('longer than any name is in no message of `provision`, which writes files that are missing', async () => {
    const long = 'canary'.repeat(60)
    for (const login of [secretLogin(long), keyLogin(long)]) await failureOf(readOwnCredential(login, readSecretFile))
  })

  test('is in no plan of `provision`', async () => {
    for (const login of [secretLogin('canary0a1b2c3d'), keyLogin('canary0a1b2c3d')]) {
      const own = await readOwnCredential(login, readSecretFile)
      expect(own).toHaveProperty('origin', expect.stringMatching(/^the file that CLIENT_(?:SECRET|KEY)_FILE names$/))
    }
    expect(await readOwnCredential(secretLogin('/run/new-secret'), readSecretFile)).toHaveProperty(
      'origin',
      '/run/new-secret',
    )
  })
})

test.each([
  ['/nowhere/secret', /^The secret file \/nowhere\/secret of .*does not exist \(ENOENT\): correct the path$/],
  ['./nowhere', /^The secret file \.\/nowhere of .*does not exist \(ENOENT\): correct the path$/],
  [
    '~/secret',
    /^The secret file ~\/secret of .*\(ENOENT\): write the whole path, because only a shell replaces the ~$/,
  ],
  ['src', /^The secret file src of .*it is a folder, not a file \(EISDIR\): correct the path$/],
])('a path such as %s is told, with what is wrong with it', async (path, sentence) => {
  expect((await failureOf(logIn(secretLogin(path)))).message).toMatch(sentence)
})
