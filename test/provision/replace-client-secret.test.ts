import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Login } from '../../src/account.ts'
import { Token } from '../../src/auth/token.ts'
import { replaceClientSecret, writeClientSecret } from '../../src/provision/replace-client-secret.ts'
import { explainUnwritten, replaceSecretFile } from '../../src/provision/replace-secret-file.ts'
import { createKeycloakAdmin } from '../../src/rest/keycloak-admin.ts'
import { createRateBucket } from '../../src/rest/rate-bucket.ts'
import { systemClock } from '../../src/time/clock.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-secret-'))
  file = join(folder, 'secret')
  await writeFile(file, 'old\n', { mode: 0o644 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** As much of a Keycloak as a rotation needs; the change of a client is answered with `status`, or with a page before it arrives. */
async function openAdmin(status: number, attributes: Record<string, string> = {}, page = '', shown?: string) {
  const sent: { secret: string; inFile: string; attributes: unknown }[] = []
  let secret = 'old'
  const server = createServer(async (request, response) => {
    if (request.method === 'PUT') {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = z
        .looseObject({ secret: z.string(), attributes: z.unknown() })
        .parse(JSON.parse(Buffer.concat(chunks).toString()))
      expect(body).toMatchObject({ id: 'uuid', name: 'kept' })
      sent.push({ secret: body.secret, inFile: await readFile(file, 'utf8'), attributes: body.attributes })
      if (status < 300 && page === '') secret = body.secret
      response.writeHead(status).end(page)
      return
    }
    response.setHeader('content-type', 'application/json')
    const isSecret = request.url?.endsWith('/client-secret')
    response.end(
      JSON.stringify(isSecret ? { type: 'secret', value: shown ?? secret } : { id: 'uuid', name: 'kept', attributes }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const token = new Token('t', Date.now() + 60_000)
  const admin = createKeycloakAdmin({
    tokens: { get: async () => token, replace: async () => token, peek: () => token, drop() {} },
    clock: systemClock,
    bucket: createRateBucket(systemClock),
    issuer: `http://127.0.0.1:${port}/realms/wiki`,
    signal: new AbortController().signal,
  })
  return {
    admin,
    sent,
    [Symbol.asyncDispose]: () => new Promise<void>(resolve => void server.close(() => resolve())),
  }
}

const login = (secretFile = file): Login => ({
  server: { issuer: 'http://127.0.0.1/realms/wiki' },
  clientId: 'sync',
  scopes: [],
  method: 'client_secret_basic',
  secret: { file: secretFile },
})

test('the file has the new secret before Keycloak does, so that a refused worker finds it', async () => {
  await using keycloak = await openAdmin(204)
  await replaceClientSecret({ admin: keycloak.admin, login: login() }, 'uuid')
  const [sent] = keycloak.sent
  // Without a line break, which doctor would warn of.
  expect(sent?.inFile).toBe(sent?.secret)
  expect(sent?.secret).toMatch(/^[\w-]{43}$/)
  expect(await readFile(file, 'utf8')).toBe(sent?.inFile)
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(await readdir(folder)).toEqual(['secret'])
})

test.each([
  [400, ''],
  [403, ''],
  [500, ''],
  [200, '<!doctype html>'],
])('the file gets the old secret back when the answer is HTTP %d %s', async (status, page) => {
  await using keycloak = await openAdmin(status, {}, page)
  const rotation = replaceClientSecret({ admin: keycloak.admin, login: login() }, 'uuid')
  const error: unknown = await rotation.catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(Error)
  expect(await readFile(file, 'utf8')).toBe('old')
  for (const { secret } of keycloak.sent) expect(String(error)).not.toContain(secret)
})

describe.each([
  // Since 26.8.0 whoever may only view clients gets asterisks, and is then refused the change. An import takes those of an export.
  [
    'is hidden from the administrator',
    '**********',
    /^if .* imported .* regenerate it .*; otherwise assign manage-clients/,
  ],
  ['is in its vault', `\${vault.sync}`, /in both/],
])('a secret that %s', (_where, shown, remedy) => {
  test.each([
    ['rotated', replaceClientSecret],
    ['written', writeClientSecret],
  ])('stays in the file when it is to be %s', async (_how, write) => {
    await using keycloak = await openAdmin(403, {}, '', shown)
    await expect(write({ admin: keycloak.admin, login: login() }, 'uuid')).rejects.toMatchObject({
      code: 'secret-hidden',
      remedy: expect.stringMatching(remedy),
    })
    expect(await readFile(file, 'utf8')).toBe('old\n')
    expect(keycloak.sent).toEqual([])
  })
})

test.each([
  [
    { 'client.secret.expiration.time': '1', other: 'kept' },
    { 'client.secret.expiration.time': '', other: 'kept' },
  ],
  [{ other: 'kept' }, { other: 'kept' }],
])('the new secret does not expire with the old one: %j', async (attributes, expected) => {
  await using keycloak = await openAdmin(204, attributes)
  await replaceClientSecret({ admin: keycloak.admin, login: login() }, 'uuid')
  expect(keycloak.sent).toMatchObject([{ attributes: expected }])
})

test('Keycloak is not told of a secret that could not be written', async () => {
  await using keycloak = await openAdmin(204)
  await rm(folder, { recursive: true })
  await expect(replaceClientSecret({ admin: keycloak.admin, login: login() }, 'uuid')).rejects.toMatchObject({
    code: 'config',
  })
  expect(keycloak.sent).toEqual([])
})

test.each([
  ['ENOSPC', 'because the disk is full (ENOSPC)', 'free space on it'],
  ['EBUSY', 'because it is mounted by itself (EBUSY)', 'mount its folder instead'],
  ['EROFS', 'because the file system is read-only (EROFS)', /mount it writable/],
  ['EACCES', '(EACCES)', /^its folder must exist, and this process must be allowed to replace files in it$/],
])('a file that could not be written (%s) is told with what to do', (code, found, remedy) => {
  const told = explainUnwritten('It failed', Object.assign(new Error('canary'), { code, syscall: 'rename' }))
  expect(told.found).toContain(found)
  expect(told.remedy).toMatch(remedy)
})

test('a link stays a link, and what it points to is replaced', async () => {
  const link = join(folder, 'link')
  await symlink(file, link)
  await replaceSecretFile('CLIENT_SECRET_FILE', link, 'new\n')
  expect(await readFile(file, 'utf8')).toBe('new\n')
  expect((await readdir(folder)).toSorted()).toEqual(['link', 'secret'])
})

test('a socket or a folder in place of the file stays, and Keycloak is not asked', async () => {
  await using keycloak = await openAdmin(204)
  const socket = join(folder, 'socket')
  await using server = createServer().listen(socket)
  await once(server, 'listening')
  for (const odd of [socket, folder]) {
    const replaced = replaceClientSecret({ admin: keycloak.admin, login: login(odd) }, 'uuid')
    await expect(replaced).rejects.toThrow(`CLIENT_SECRET_FILE ${odd} is not a regular file`)
  }
  expect((await stat(socket)).isSocket()).toBe(true)
  expect(keycloak.sent).toEqual([])
})
