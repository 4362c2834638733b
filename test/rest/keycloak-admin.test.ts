import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import KeycloakAdminClient from '@keycloak/keycloak-admin-client'
import { describe, expect, test } from 'vitest'
import { OutageError, PermanentError, UnknownOutcomeError } from '../../src/errors.ts'
import { requirePathParts } from '../../src/rest/admin-path.ts'
import { createKeycloakAdmin, type KeycloakAdmin, parseKeycloakIssuer } from '../../src/rest/keycloak-admin.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { type Answer, cutOff, startScriptedServer, status } from '../fixtures/scripted-server.ts'

const { signal } = new AbortController()

async function open(...answers: Answer[]) {
  const server = await startScriptedServer(...answers)
  const access = createAccess()
  const admin = createKeycloakAdmin({ ...access, issuer: `${server.url}/auth/realms/a%20b`, signal, timeoutMs: 2_000 })
  return { ...access, server, admin, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

const find = (admin: KeycloakAdmin) => admin.users.find({ first: 0, max: 2, search: 'canary-query' })
const create = (admin: KeycloakAdmin) => admin.users.create({ username: 'canary-body' })

describe('an issuer', () => {
  test.each([
    ['https://id.example.com/realms/main', 'https://id.example.com', 'main'],
    ['https://id.example.com/auth/realms/main/', 'https://id.example.com/auth', 'main'],
    ['http://127.0.0.1:8080/realms/a%20b', 'http://127.0.0.1:8080', 'a b'],
  ])('%s names server and realm', (issuer, baseUrl, realm) => {
    expect(parseKeycloakIssuer(issuer)).toEqual({ baseUrl, realm })
  })

  test.each(['https://id.example.com', 'https://id.example.com/realms/', 'http://id.example.com/realms/main'])(
    '%s is refused',
    issuer => {
      expect(() => parseKeycloakIssuer(issuer)).toThrow()
    },
  )
})

describe('an administrator', () => {
  // Keycloak's answers: of its Admin API, a client policy, and the user profile.
  test.each([
    [{ errorMessage: 'Client session idle timeout cannot exceed realm SSO' }, 'Client session idle timeout cannot'],
    [
      { error: 'invalid_client_metadata', error_description: 'Invalid client metadata: canary-secret' },
      'Invalid client metadata: [redacted]',
    ],
    [{ errors: [{ field: 'a', errorMessage: 'a is bad' }, { errorMessage: 'so is b' }] }, 'a is bad; so is b'],
  ])('learns why a change is refused, without the secret that was sent: %j', async (answer, reason) => {
    await using server = await startScriptedServer(status(400, answer))
    const issuer = `${server.url}/realms/wiki`
    const admin = createKeycloakAdmin({ ...createAccess(), issuer, signal, tellsReasons: true })
    const updated = admin.clients.update({ id: '1' }, { clientId: 'sync', secret: 'canary-secret' })
    const { message } = await failureOf(updated)
    expect(message).toContain(`clients.update of Keycloak's Admin API was refused (HTTP 400: ${reason}`)
    expect(message).not.toContain('canary')
  })

  test('learns no more from a page', async () => {
    await using server = await startScriptedServer((_request, response) => response.writeHead(409).end('canary'))
    const issuer = `${server.url}/realms/wiki`
    const admin = createKeycloakAdmin({ ...createAccess(), issuer, signal, tellsReasons: true })
    expect(await failureOf(create(admin))).toMatchObject({
      code: 'http-409',
      found: expect.stringMatching(/\(HTTP 409\)$/),
    })
  })
})

describe("Keycloak's Admin API", () => {
  test('is asked with the token of the account, in the realm of the issuer, and never for a login', async () => {
    await using opened = await open([{ id: '1', username: 'ann' }], [])
    expect(await find(opened.admin)).toEqual([{ id: '1', username: 'ann' }])
    expect(await opened.admin.clients.find()).toEqual([])
    expect(opened.server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /auth/admin/realms/a%20b/users/?first=0&max=2&search=canary-query',
      'GET /auth/admin/realms/a%20b/clients/',
    ])
    expect(opened.server.requests[0]?.headers.authorization).toBe('Bearer canary-token-1')
  })

  test.each(['.', '..'])('is not asked for what the part %j of a path leads to', async part => {
    await using opened = await open(status(204))
    const { users, organizations, roles } = opened.admin
    expect(await failureOf(users.del({ id: part }))).toMatchObject({
      code: 'path',
      found: `users.del of Keycloak's Admin API got "${part}" as id, which would lead to another object`,
    })
    await failureOf(organizations.delMember({ orgId: '1', userId: part }))
    await failureOf(roles.delByName({ name: part }))
    expect(opened.server.requests).toEqual([])
    await users.update({ id: '1' }, { firstName: part, lastName: part })
    await users.find({ search: part, lastName: part })
    expect(opened.server.requests).toHaveLength(2)
  })

  test('has no other parts in its paths than those that are checked', async () => {
    const folder = join(dirname(fileURLToPath(import.meta.resolve('@keycloak/keycloak-admin-client'))), 'resources')
    const files = (await readdir(folder)).filter(name => name.endsWith('.js'))
    const texts = await Promise.all(files.map(name => readFile(join(folder, name), 'utf8')))
    const parts = new Set(texts.join().match(/(?<=[/"]\{)\w+(?=\})/g))
    expect(parts.size).toBeGreaterThan(30)
    for (const part of parts) expect(() => requirePathParts('x', { [part]: '..' }), part).toThrow('another object')
  })

  test.each(['identity', 'utf-8', 'none'])('may call its answer %s, which packs nothing', async encoding => {
    await using opened = await open((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': encoding }).end('[]')
    })
    expect(await find(opened.admin)).toEqual([])
  })

  test('gets another token once, however many are rejected at once', async () => {
    await using opened = await open((request, response) => {
      const isFresh = request.headers.authorization === 'Bearer canary-token-2'
      response.writeHead(isFresh ? 200 : 401, { 'content-type': 'application/json' }).end('[]')
    })
    await Promise.all(Array.from({ length: 8 }, () => find(opened.admin)))
    expect(opened.fetched()).toBe(2)
    await using refusing = await open(status(401, { error: 'canary' }))
    expect(await failureOf(create(refusing.admin))).toMatchObject({
      code: 'unauthorized',
      // The account's other APIs may accept the token.
      scope: 'job',
      remedy: expect.stringMatching(/client scope "kc-admin-api".* a default scope of the client .*clocks/),
    })
    expect(refusing.server.requests).toHaveLength(2)
  })

  test.each([
    [
      403,
      'forbidden',
      /^users.find of Keycloak's Admin API was refused \(HTTP 403\): assign the role of client "realm-management"/,
    ],
    [404, 'not-found', /users.find/],
    [400, 'http-400', /users.find/],
  ])('refuses with HTTP %d for good', async (code, errorCode, message) => {
    await using opened = await open(status(code, { errorMessage: 'canary' }))
    const error = await failureOf(find(opened.admin))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ code: errorCode, message: expect.stringMatching(message) })
    expect(opened.server.requests).toHaveLength(1)
  })

  test.each<[string, Answer]>([
    ['HTTP 500', status(500, { error: 'canary' })],
    ['a cut-off', cutOff],
  ])('is asked again after %s where it only reads', async (_name, answer) => {
    await using opened = await open(answer, answer, [])
    expect(await find(opened.admin)).toEqual([])
    expect(opened.clock.pausesMs).toEqual([1_000, 2_000])
    await using writing = await open(answer)
    expect(await failureOf(create(writing.admin))).toBeInstanceOf(UnknownOutcomeError)
    expect(writing.server.requests).toHaveLength(1)
  })

  test.each<[string, string, string]>([
    ['breaks off', '[{"id":"1"},{"id":"2",{"error":"unknown_error"}', "look in Keycloak's log"],
    ['is a page', '<!DOCTYPE html><title>canary</title>', 'set TOKEN_URL'],
  ])('is asked again when a list %s in spite of HTTP 200', async (_name, text, remedy) => {
    const broken: Answer = (_request, response) => response.end(text)
    await using opened = await open(broken, [])
    expect(await find(opened.admin)).toEqual([])
    await using failing = await open(broken)
    expect(await failureOf(find(failing.admin))).toMatchObject({
      code: 'not-json',
      message: expect.stringMatching(new RegExp(`^(?!.*(?:canary|unknown_error)).*${remedy}`)),
    })
  })

  test('has done nothing where a check for bots answers', async () => {
    await using opened = await open(status(202, '', { 'x-amzn-waf-action': 'challenge' }))
    const error = await failureOf(opened.admin.users.del({ id: 'a' }))
    expect(error).toBeInstanceOf(OutageError)
    expect(error.message).toMatch(/a check for bots answered/)
  })

  const rep = { ifResourceExists: 'SKIP' } as const
  const page = '<!doctype html><title>canary</title>'

  test.each<[string, string, (admin: KeycloakAdmin) => Promise<unknown>, RegExp]>([
    ['users.update', page, ({ users }) => users.update({ id: 'a' }, { firstName: 'canary' }), /web page: .*TOKEN_URL/],
    ['users.addToGroup', page, ({ users }) => users.addToGroup({ id: 'a', groupId: 'b' }), /web page/],
    ['roles.delById', page, ({ roles }) => roles.delById({ id: 'a' }), /web page/],
    ['clients.downloadKey', page, ({ clients }) => clients.downloadKey({ id: 'a', attr: 'b' }, {}), /web page/],
    ['realms.partialImport', '{"added":1,', admin => admin.realms.partialImport({ realm: 'a', rep }), /cut off/],
  ])('may or may not have done %s when it is answered with %s and HTTP 200', async (name, text, write, words) => {
    await using opened = await open(status(200, text))
    const error = await failureOf(write(opened.admin))
    expect(error).toBeInstanceOf(UnknownOutcomeError)
    expect(error.message).toMatch(new RegExp(`may or may not .*${name} of .*${words.source}`))
    expect(opened.server.requests).toHaveLength(1)
  })

  test('gives a key store as it is', async () => {
    await using opened = await open((_request, response) => response.end(Buffer.from([0x30, 0x82, 0xff])))
    const store = await opened.admin.clients.downloadKey({ id: 'a', attr: 'b' }, {})
    expect([...new Uint8Array(store)]).toEqual([0x30, 0x82, 0xff])
  })

  test('that a proxy withholds or refuses says where else it may be', async () => {
    await using withheld = await open(status(404, '<html>canary</html>'))
    expect(await failureOf(find(withheld.admin))).toMatchObject({
      code: 'http-404',
      message: expect.stringMatching(/\/auth\/admin can be reached from here, or set TOKEN_URL/),
    })
    await using unknown = await open(status(404, { error: 'canary' }))
    expect((await failureOf(find(unknown.admin))).message).not.toContain('API_BASE_URL')
    await using tooLarge = await open(status(431))
    expect(await failureOf(find(tooLarge.admin))).toMatchObject({
      code: 'claims',
      message: expect.stringMatching(/token of 14 bytes.*QUARKUS_HTTP_LIMITS_MAX_HEADER_SIZE/),
    })
  })

  test('is waited for when it asks for a pause', async () => {
    await using opened = await open(status(429, '', { 'retry-after': '3' }), [])
    await find(opened.admin)
    expect(opened.clock.pausesMs).toEqual([3_000])
  })

  test('does not carry the token to where it redirects', async () => {
    await using elsewhere = await startScriptedServer([])
    await using opened = await open(status(302, '', { location: `${elsewhere.url}/canary` }))
    expect(await failureOf(find(opened.admin))).toMatchObject({ code: 'redirect' })
    expect(elsewhere.requests).toEqual([])
  })

  test('that is not there concerns the account', async () => {
    const server = await startScriptedServer([])
    await server[Symbol.asyncDispose]()
    const admin = createKeycloakAdmin({ ...createAccess(), issuer: `${server.url}/realms/main`, signal })
    expect(await failureOf(create(admin))).toBeInstanceOf(OutageError)
  })

  test('is left when the signal says so', async () => {
    await using server = await startScriptedServer(() => undefined)
    const leaving = new AbortController()
    const issuer = `${server.url}/realms/main`
    const admin = createKeycloakAdmin({ ...createAccess(), issuer, signal: leaving.signal })
    const waiting = find(admin)
    await expect.poll(() => server.requests.length).toBe(1)
    leaving.abort(new Error('leaving'))
    await expect(waiting).rejects.toThrow('leaving')
  })

  test('gives null for what is missing where its client does, and nowhere else', async () => {
    await using opened = await open(status(404))
    const client = new KeycloakAdminClient({ baseUrl: `${opened.server.url}/auth`, realmName: 'a b' })
    client.registerTokenProvider({ getAccessToken: async () => 'canary-token-1' })
    const found: string[] = []
    const expected: string[] = []
    for (const [resource, ours] of Object.entries(opened.admin)) {
      const theirs: object = Reflect.get(client, resource)
      for (const method of Object.keys(theirs)) {
        const call = async (target: object): Promise<boolean> => {
          const answer: unknown = await Reflect.apply(Reflect.get(target, method), target, [{}])
          return answer === null
        }
        const name = `${resource}.${method}`
        if (await call(theirs).catch(() => false)) expected.push(name)
        if (await call(ours).catch(() => false)) found.push(name)
      }
    }
    expect(found).toEqual(expected)
    expect(found).toContain('users.findOne')
  })

  test.each<[string, Answer, string]>([
    ['the page of a proxy', status(404, '<html>default backend - 404</html>'), 'http-404'],
    ['the words of a proxy', status(404, 'default backend - 404', { 'content-type': 'text/plain' }), 'http-404'],
    ['other words', status(404, 'no such path', { 'content-type': 'text/plain' }), 'not-found'],
  ])('does not take %s for a missing object', async (_what, answer, code) => {
    await using opened = await open(answer)
    expect(await failureOf(opened.admin.users.findOne({ id: 'none' }))).toMatchObject({ code })
  })

  test('gives null for a missing object, or rejects, as the caller says', async () => {
    await using opened = await open(status(404, { error: 'canary' }))
    const { users } = opened.admin
    expect(await users.find({}, { catchNotFound: true })).toBeNull()
    expect(await failureOf(users.findOne({ id: 'none' }, { catchNotFound: false }))).toMatchObject({
      code: 'not-found',
    })
  })
})
