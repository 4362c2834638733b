import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openClusterDir } from '../fixtures/data-dir.ts'
import { hasuraClaims, signToken } from './hasura/sign-token.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

const key = 'a secret of at least thirty-two bytes'
const userId = 'a0000000-0000-4000-8000-000000000002'
const roles = ['viewer', 'editor', 'manager'] as const

let hasura: SandboxHasura
beforeAll(async () => {
  hasura = await startHasura({ jwt: { key }, dataDir: (await openClusterDir()).path })
})
afterAll(() => hasura[Symbol.asyncDispose]())
beforeEach(() => {
  hasura.clearFaults()
  hasura.setRefreshDelay(0)
  hasura.requests.length = 0
})

async function post(body: object, options: { role?: string; userId?: string; signal?: AbortSignal } = {}) {
  const token = await signToken(hasuraClaims(options.userId ?? userId, [...roles]), key)
  return fetch(hasura.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'x-hasura-role': options.role ?? 'viewer',
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
    ...(options.signal && { signal: options.signal }),
  })
}

const ask = async (query: string, options?: { role?: string; userId?: string }) =>
  (await post({ query }, options)).json()

const someUser = 'query SomeUser { users(limit: 1, order_by: { id: asc }) { username } }'
const answered = { data: { users: [{ username: 'user01' }] } }

describe('the wire', () => {
  test('an answer is JSON in UTF-8 with a Date', async () => {
    const response = await post({ query: someUser })
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(Date.parse(response.headers.get('date') ?? '')).toBeGreaterThan(Date.now() - 5_000)
    expect(await response.json()).toEqual(answered)
  })

  test('only POST reaches the API; health and version answer GET', async () => {
    const origin = new URL(hasura.url).origin
    const get = await fetch(hasura.url)
    expect([get.status, await get.json()]).toEqual([
      404,
      { path: '$', error: 'resource does not exist', code: 'not-found' },
    ])
    expect(await (await fetch(`${origin}/healthz`)).text()).toBe('OK')
    expect(await (await fetch(`${origin}/v1/version`)).json()).toHaveProperty('version')
  })

  test('every request is recorded with who asked for what', async () => {
    await post({ query: someUser, variables: {} }, { role: 'editor' })
    expect(hasura.requests).toMatchObject([
      { operationName: 'SomeUser', role: 'editor', variables: {}, status: 200, userId },
    ])
  })
})

describe('faults', () => {
  test('a fault hits the operation it names, after the first n, as often as told', async () => {
    hasura.fault({ operationName: 'SomeUser', after: 1, times: 1 }, { kind: 'status', status: 503, body: 'later' })
    const statuses = []
    for (let i = 0; i < 3; i++) statuses.push((await post({ query: someUser })).status)
    expect(statuses).toEqual([200, 503, 200])
    expect((await post({ query: 'query Other { __typename }' })).status).toBe(200)
  })

  test('a fault is taken back by what setting it returned', async () => {
    const remove = hasura.fault({}, { kind: 'html' })
    expect(await (await post({ query: someUser })).text()).toMatch(/^<!doctype html>/)
    remove()
    expect(await ask(someUser)).toEqual(answered)
  })

  test('an error of the API comes with HTTP 200', async () => {
    hasura.fault({}, { kind: 'graphql-error', code: 'postgres-error', message: 'connection lost' })
    const response = await post({ query: someUser })
    expect([response.status, await response.json()]).toEqual([
      200,
      { errors: [{ message: 'connection lost', extensions: { path: '$', code: 'postgres-error' } }] },
    ])
  })

  test('an answer can be too long for what stands in front', async () => {
    hasura.fault({}, { kind: 'too-long', bytes: JSON.stringify(answered).length })
    expect((await post({ query: someUser })).status).toBe(200)
    expect((await post({ query: someUser.replace('limit: 1', 'limit: 2') })).status).toBe(504)
  })

  test('a status carries its headers', async () => {
    hasura.fault({}, { kind: 'status', status: 429, headers: { 'retry-after': '7' } })
    expect((await post({ query: someUser })).headers.get('retry-after')).toBe('7')
  })

  test('a response can stop in the middle', async () => {
    hasura.fault({}, { kind: 'cut-off' })
    const response = await post({ query: someUser })
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  test('a connection can be lost before or after the work is done', async () => {
    const rename = (name: string) =>
      `mutation { update_topics(where: { title: { _eq: "Topic 12" } }, _set: { position: ${name} }) { affected_rows } }`
    const position = async () => (await hasura.sql("SELECT position::text FROM topics WHERE title = 'Topic 12'"))[0]
    hasura.fault({ times: 1 }, { kind: 'reset' })
    await expect(ask(rename('1'), { role: 'manager' })).rejects.toThrow()
    expect(await position()).toEqual({ position: '12.125' })
    hasura.fault({ times: 1 }, { kind: 'reset-after' })
    await expect(ask(rename('2'), { role: 'manager' })).rejects.toThrow()
    expect(await position()).toEqual({ position: '2' })
    await hasura.sql("UPDATE topics SET position = 12.125 WHERE title = 'Topic 12'")
  })

  test('a request can hang until the client gives up', async () => {
    hasura.fault({}, { kind: 'hang' })
    await expect(post({ query: someUser }, { signal: AbortSignal.timeout(100) })).rejects.toThrow('aborted')
  })
})

describe('restarts and keys', () => {
  test('it comes back on the same port with the same data', async () => {
    await hasura.stop()
    await expect(ask(someUser)).rejects.toThrow()
    await hasura.start()
    expect(await ask(someUser)).toEqual(answered)
  })

  test('a token of the old key is refused once the key has changed', async () => {
    hasura.setJwt({ key: key.toUpperCase() })
    expect(await ask(someUser)).toEqual({
      errors: [
        {
          message: 'Could not verify JWT: JWSError JWSInvalidSignature',
          extensions: { path: '$', code: 'invalid-jwt' },
        },
      ],
    })
    hasura.setJwt({ key })
  })
})

describe('first login', () => {
  const visible = async (id: string) => ask(`{ users_by_pk(id: "${id}") { username } }`, { userId: id })
  const refresh = 'mutation Refresh { refresh_users { id username active } }'

  test('an account is visible once it has called refresh_users', async () => {
    const id = 'd0000000-0000-4000-8000-000000000001'
    expect(await visible(id)).toEqual({ data: { users_by_pk: null } })
    expect(await ask(refresh, { userId: id })).toEqual({
      data: { refresh_users: [{ id, username: id, active: true }] },
    })
    expect(await visible(id)).toEqual({ data: { users_by_pk: { username: id } } })
  })

  test('with a delay it is visible only later, and calling again changes nothing of that', async () => {
    const id = 'd0000000-0000-4000-8000-000000000002'
    hasura.setRefreshDelay(300)
    await ask(refresh, { userId: id })
    await ask(refresh, { userId: id })
    expect(await visible(id)).toEqual({ data: { users_by_pk: null } })
    await expect.poll(() => visible(id)).toEqual({ data: { users_by_pk: { username: id } } })
  })
})
