import { chmod, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { inspectFiles } from '../../src/doctor/inspect-files.ts'

let path: string
beforeAll(async () => {
  path = join(await mkdtemp(join(tmpdir(), 'hasura-sync-worker-files-')), '.env')
})
afterAll(() => rm(join(path, '..'), { recursive: true }))

const settings = { OIDC_ISSUER: 'https://k.example/realms/x', CLIENT_ID: 'c', HASURA_URL: 'https://h.example' }

async function inspect(variables: readonly string[], mode: number) {
  await writeFile(path, '')
  await chmod(path, mode)
  const [account] = parseConfig({ ...settings, CLIENT_SECRET: 'x' }).accounts
  if (!account) throw new Error('no account')
  const files = {
    accountsFile: undefined,
    envFile: { path, variables, hidden: [] },
    env: { DATABASE_URL: 'postgres://u:p@h/d' },
  }
  return inspectFiles(account, [], files, { readSecretFile: file => readFile(file, 'utf8'), uid: process.getuid?.() })
}

test('a .env that holds the secret is only for its owner, like a secret file', async () => {
  for (const held of ['CLIENT_SECRET', 'DATABASE_URL', 'SEARCH_TOKEN'])
    expect(await inspect([held], 0o644)).toEqual({
      status: 'warn',
      detail: `.env, which holds the secret, ${path} can be read by every user of this machine (mode 0644)`,
      hint: `chmod 600 ${path}`,
    })
})

test.each<[string, string[], number]>([
  ['holds it and is private', ['CLIENT_SECRET'], 0o600],
  ['holds no secret', ['CLIENT_ID', 'KEYCLOAK_ADMIN_USERNAME', 'TOKEN_URL', 'CLIENT_KEY_FILE'], 0o644],
])('a .env that %s is told as what was read', async (_what, variables, mode) => {
  expect(await inspect(variables, mode)).toEqual({
    status: 'ok',
    detail: 'all settings are readable, including .env',
    hint: '',
  })
})

// As in a container that has mounted the file itself.
test.runIf(process.platform === 'linux')('a secret file whose place another file has taken is told', async () => {
  const file = join(path, '..', 'secret')
  await writeFile(file, 'old', { mode: 0o600 })
  await using opened = await open(file)
  await rm(file)
  const mounted = `/proc/self/fd/${opened.fd}`
  const [account] = parseConfig({ ...settings, CLIENT_SECRET_FILE: mounted }).accounts
  const files = { accountsFile: undefined, envFile: undefined, env: {} }
  const deps = { readSecretFile: () => readFile(mounted, 'utf8'), uid: process.getuid?.() }
  expect(await inspectFiles(account ?? expect.fail('no account'), [], files, deps)).toMatchObject({
    status: 'warn',
    detail: `the secret file ${mounted} is mounted, and outside of this container another file has taken its place`,
    hint: expect.stringContaining('mount the folder'),
  })
})
