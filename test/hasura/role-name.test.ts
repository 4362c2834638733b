import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import {
  findRoleProblem,
  findTwinRoles,
  roleHeader,
  schemaFileName,
  schemaFileUrl,
} from '../../src/hasura/role-name.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'

const anyRole = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('編集者', 'Übersetzer', 'a:b', '..', '../x', 'a/b', 'a\\b', 'CON', 'nul.x', '%2e', '*', 'x?y#z'),
)

describe('a role', () => {
  test.each(['viewer', '編集者', 'Übersetzer', 'a:b', '../x', 'a/b', 'CON', 'Editor in Chief', '\u{1f9d1}'])(
    '"%s" can be asked as',
    role => expect(findRoleProblem(role)).toBeUndefined(),
  )

  test.each([
    ['', 'has no name'],
    [' viewer', 'a space'],
    ['viewer ', 'a space'],
    ['view\ner', 'control character'],
    ['view\0er', 'control character'],
    ['view\ter', 'control character'],
    ['\ud83d', 'surrogate'],
    ['r'.repeat(10_000), 'file name of 10008 bytes'],
    ['編'.repeat(90), 'file name of 278 bytes'],
  ])('%j is refused, with what is wrong', (role, words) => {
    const problem = findRoleProblem(role)
    expect(problem?.found).toContain(words)
    expect(problem?.found.length).toBeLessThan(200)
    expect(problem?.remedy).toContain('rename the role')
  })

  test('that isn’t refused reaches the other side byte by byte', () => {
    fc.assert(
      fc.property(anyRole, role => {
        fc.pre(findRoleProblem(role) === undefined)
        const sent = new Headers({ 'x-hasura-role': roleHeader(role) }).get('x-hasura-role') ?? ''
        expect(Buffer.from(sent, 'latin1').toString('utf8')).toBe(role)
      }),
    )
  })
})

test.each(['編集者', 'Übersetzer', 'a:b c', '../x'])('Hasura takes the role "%s" for what it is', async role => {
  const client = { clientId: 'one', clientSecret: 'secret', roles: [role] }
  await using sandbox = await openSandbox({ clients: [client], hasura: { seed: false } })
  const { idp, hasura } = sandbox
  const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'one', client_secret: 'secret' })
  const answer = await fetch(idp.tokenUrl, { method: 'POST', body })
  const { access_token: value } = z.object({ access_token: z.string() }).parse(await answer.json())
  const clock = systemClock
  const tokens = createTokenSource({ clock, requestToken: async () => new Token(value, clock.now() + 60_000) })
  const asRole = createHasuraClient({ url: hasura.url, role, tokens, clock, log: captureLog().log })
  expect(await asRole.query(parse('query Who { __typename }'), {})).toEqual({ __typename: 'query_root' })
  expect(hasura.requests.at(-1)?.role).toBe(role)
})

describe('the file of a role’s schema', () => {
  test.each([
    ['viewer', 'viewer.graphql'],
    ['Editor', 'Editor.graphql'],
    ['編集者', '編集者.graphql'],
    ['a/b', 'a%2Fb.graphql'],
    ['../x', '%2E.%2Fx.graphql'],
    ['CON', '%43ON.graphql'],
    ['console', 'console.graphql'],
    ['50%', '50%25.graphql'],
  ])('of "%s" is %s', (role, file) => expect(schemaFileName(role)).toBe(file))

  test('is one in the folder of schemas, and another for each role', () => {
    const folder = pathToFileURL('/schemas/')
    fc.assert(
      fc.property(anyRole, anyRole, (a, b) => {
        fc.pre([a, b].every(role => findRoleProblem(role) === undefined))
        expect(schemaFileUrl(folder, a).pathname).toMatch(/^\/schemas\/[^/\\]+\.graphql$/)
        expect(schemaFileUrl(folder, a).href === schemaFileUrl(folder, b).href).toBe(a === b)
      }),
    )
  })

  test('is shared by roles that differ only in case or in the composition of letters', () => {
    expect(findTwinRoles(['Editor', 'viewer', 'editor', 'viewer', 'é', 'e\u0301'])).toEqual([
      ['Editor', 'editor'],
      ['é', 'e\u0301'],
    ])
  })
})
