import { chmod, chown, lchown, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseConfig } from '../../src/config/config.ts'
import { inspectExposure } from '../../src/doctor/file-exposure.ts'
import { inspectFiles } from '../../src/doctor/inspect-files.ts'

const uid = process.getuid?.() ?? expect.fail()
const stranger = 4_711

let folder: string
let path: string
beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'secret-files-')))
  path = join(folder, 'secret')
  await writeFile(path, 'x')
  await chmod(path, 0o600)
})
afterEach(() => rm(folder, { recursive: true }))

async function find(at = path, self: number = uid, isSecret = true): Promise<string[]> {
  const findings = await inspectExposure({ what: 'the file', path: at, isSecret }, self)
  for (const { hint } of findings) expect(hint).toMatch(/^ch(?:mod|own) /)
  return findings.map(({ detail }) => detail.replaceAll(folder, ''))
}

test.each<[mode: number, secret: string[], settings: string[]]>([
  [0o600, [], []],
  [0o400, [], []],
  [0o440, [], []],
  [0o640, [], []],
  [0o644, ['can be read by every user of this machine (mode 0644)'], []],
  [0o660, ['can be written by its group (mode 0660)'], ['can be written by its group (mode 0660)']],
  [
    0o602,
    ['can be written by every user of this machine (mode 0602)'],
    ['can be written by every user of this machine (mode 0602)'],
  ],
  [
    0o666,
    ['can be read and written by every user of this machine and written by its group (mode 0666)'],
    ['can be written by every user of this machine and written by its group (mode 0666)'],
  ],
])('mode %o: a secret, and a file of settings without one', async (mode, secret, settings) => {
  await chmod(path, mode)
  expect(await find()).toEqual(secret.map(told => `the file /secret ${told}`))
  expect(await find(path, uid, false)).toEqual(settings.map(told => `the file /secret ${told}`))
})

test('a folder in which everybody can replace the file', async () => {
  await chmod(folder, 0o777)
  expect(await find()).toEqual([expect.stringContaining('anybody can replace it')])
  await chmod(folder, 0o1777)
  expect(await find()).toEqual([])
})

test('a secret that Kubernetes or Docker mounts: links, root’s files, a group that may read', async () => {
  const mounted = join(folder, '..2026_11_26')
  await mkdir(mounted, { mode: 0o755 })
  await writeFile(join(mounted, 'secret'), 'x')
  await chmod(join(mounted, 'secret'), 0o440)
  await chmod(folder, 0o1777)
  await symlink('..2026_11_26', join(folder, '..data'))
  await symlink('..data/secret', join(folder, 'linked'))
  expect(await find(join(folder, 'linked'), uid === 0 ? 1_000 : uid)).toEqual([])
})

describe.runIf(uid === 0)('another user', () => {
  test('who owns the file, the link to it, or its folder', async () => {
    await chown(path, stranger, 0)
    expect(await find()).toEqual(['the file /secret belongs to user 4711, who can change it'])
    await chown(path, 0, 0)
    const link = join(folder, 'link')
    await symlink(path, link)
    await lchown(link, stranger, 0)
    expect(await find(link)).toEqual(['the file /link belongs to user 4711, who can change it'])
    await chown(folder, stranger, 0)
    expect(await find()).toEqual(['the file /secret is in a folder of user 4711, who can replace it'])
    await chown(folder, 0, 0)
  })
})

test('every file that a secret comes from is checked, and those that say where it is sent', async () => {
  const names = ['accounts', 'env', 'secret', 'admin', 'password', 'token', 'key']
  const files = Object.fromEntries(names.map(name => [name, join(folder, name)] as const))
  const at = (name: string) => files[name] ?? expect.fail()
  for (const name of names) {
    await writeFile(at(name), 'x')
    await chmod(at(name), 0o666)
  }
  const { accounts } = parseConfig(
    {},
    {
      accounts: [
        {
          name: 'one',
          oidcIssuer: 'https://k.example',
          clientId: 'one',
          clientSecretFile: at('secret'),
          hasuraUrl: 'https://h.example',
          settings: { searchTokenFile: at('token') },
        },
      ],
    },
  )
  const job = { settings: z.object({ searchToken: z.string(), indexKey: z.string() }) }
  const env = {
    KEYCLOAK_ADMIN_CLIENT_SECRET_FILE: at('admin'),
    KEYCLOAK_ADMIN_PASSWORD_FILE: at('password'),
    INDEX_KEY_FILE: at('key'),
  }
  const settings = {
    accountsFile: at('accounts'),
    envFile: { path: at('env'), variables: ['CLIENT_ID'], hidden: [] },
    env,
  }
  const readSecretFile = (file: string) => readFile(file, 'utf8')
  const { status, detail } = await inspectFiles(accounts[0] ?? expect.fail(), [job], settings, { readSecretFile, uid })
  expect(status).toBe('warn')
  for (const name of names) expect(detail).toContain(`${at(name)} can be`)
})

test('a file of the environment that a value of the account overrides is nobody’s business', async () => {
  const path = join(folder, 'key')
  await writeFile(path, 'x')
  await chmod(path, 0o666)
  const login = {
    server: { issuer: 'https://k.example' },
    clientId: 'one',
    scopes: [],
    method: 'client_secret_basic',
  } as const
  const account = { login: { ...login, secret: { value: 'x' } }, settings: {} }
  const job = { settings: z.object({ indexKey: z.string() }) }
  const settings = { accountsFile: undefined, envFile: undefined, env: { INDEX_KEY_FILE: path } }
  const deps = { readSecretFile: (file: string) => readFile(file, 'utf8'), uid }
  expect(await inspectFiles(account, [job], settings, deps)).toMatchObject({ status: 'warn' })
  const own = { ...account, settings: { indexKey: 'own' } }
  expect(await inspectFiles(own, [job], settings, deps)).toMatchObject({ status: 'ok' })
})
