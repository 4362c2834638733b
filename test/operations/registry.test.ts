import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { readInput, routeOf, writeInput } from '../../src/http/operation-route.ts'
import { listOperations, registry } from '../../src/operations/registry.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const test = httpTest.extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })

describe.each(Object.entries(registry))('operation %s', (_name, operation) => {
  test('is served over TCP only if the registry names a role for it', async ({ http }) => {
    await http.ready()
    const { method, path } = routeOf(operation)
    // Hasura's triggers have a door of their own, with a secret in place of a token.
    expect(http.hasRoute({ method, url: path })).toBe(operation.roles.length > 0 || path.startsWith('/hooks/'))
  })

  test('has every part of its path in its input', () => {
    expect(Object.keys(operation.input.shape)).toEqual(expect.arrayContaining([...routeOf(operation).names]))
  })
})

test('no two operations have one route', () => {
  const routes = Object.values(registry).map(({ route }) => route)
  expect(new Set(routes).size).toBe(routes.length)
})

test('each operation is spelled in one file: no door names those that it only carries', ({ app }) => {
  const doors = ['create-control', 'control-client', 'operation-route'].map(name =>
    readFileSync(new URL(`../../src/http/${name}.ts`, import.meta.url), 'utf8'),
  )
  for (const { operation } of listOperations(app.operations)) {
    if (operation.route === 'GET /ping') continue
    for (const text of doors) expect(text).not.toContain(operation.route.split(' ')[1])
  }
})

/** Operations that only one of the two doors has, and why. */
const withoutHttp = {
  forget: 'it deletes, beyond repair',
  run: 'it runs in the foreground of whoever asks',
  listMirrorRows: 'rows are served to nobody over TCP',
  findRequestIds: 'HTTP has preview',
  cancelListed: 'HTTP has filters',
  retryListed: 'HTTP has filters',
  hasWorker: 'who asks over HTTP asks a worker',
  ping: 'HTTP has /health/ready',
  receiveEvent: 'it has a secret in place of a token',
  receiveCron: 'it has a secret in place of a token',
}
const withoutCommand = {
  cancelRequests: 'the command shows what it found, and then cancels those by their ids',
  retryRequests: 'the command shows what it found, and then retries those by their ids',
  receiveEvent: 'Hasura sends it',
  receiveCron: 'Hasura sends it',
}

test('an operation that HTTP has a command asks, and the reverse', () => {
  const folder = new URL('../../src/cli/', import.meta.url)
  const commands = readdirSync(folder).map(file => readFileSync(new URL(file, folder), 'utf8'))
  for (const [name, { roles }] of Object.entries(registry)) {
    const isAsked = commands.some(text => text.includes(`operations.${name}(`))
    expect({ name, http: roles.length > 0, command: isAsked }).toEqual({
      name,
      http: !Object.hasOwn(withoutHttp, name),
      command: !Object.hasOwn(withoutCommand, name),
    })
  }
})

test.each([
  [{ id: 'a/b?c#%20ü', n: 7 }, 'GET /things/a%2Fb%3Fc%23%2520%C3%BC?n=7'],
  [{ id: '', n: undefined }, 'GET /things/'],
])('%j is written as %s', (input, written) => {
  const { method, path, body } = writeInput({ route: 'GET /things/:id' }, input)
  expect({ asked: `${method} ${path}`, body }).toEqual({ asked: written, body: undefined })
})

describe('what a request asks', () => {
  const operation = {
    route: 'POST /things/:id' as const,
    input: z.strictObject({ id: z.string().max(2), n: z.int().default(1) }),
  }

  test('is its path and its body', () => {
    const given = { params: { id: 'a' }, query: { n: 5 }, body: { n: 2 } }
    expect(readInput(operation, operation.input, given)).toEqual({ id: 'a', n: 2 })
    expect(readInput(operation, operation.input, { ...given, body: undefined })).toEqual({ id: 'a', n: 1 })
  })

  test.each([
    [{ params: { id: 'abc' }, body: {} }, /^The path is invalid \(id: /],
    [{ params: { id: 'a' }, body: { n: 'x' } }, /^The body is invalid \(n: /],
    [{ params: { id: 'a' }, body: { id: 'b' } }, /^The body is invalid \(body: Unrecognized key: "id"\)/],
  ])('is refused where it is wrong: %j', (given, sentence) => {
    expect(() => readInput(operation, operation.input, { query: {}, ...given })).toThrow(sentence)
  })
})
