import { buildSchema, introspectionFromSchema } from 'graphql'
import { describe, expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { PermanentError, TransientError } from '../../src/errors.ts'
import { createHasuraClient, type HasuraClient, type RequestOptions } from '../../src/hasura/hasura-client.ts'
import { introspectSchema } from '../../src/hasura/introspect-schema.ts'
import { type Answer, status } from '../fixtures/scripted-server.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { refused, startScriptedHasura } from './scripted-hasura.ts'

const signal = new AbortController().signal

async function introspect(answer: Answer) {
  const clock = new VirtualClock()
  await using server = await startScriptedHasura(answer)
  const tokens = createTokenSource({ clock, requestToken: async () => new Token('token', clock.now() + 1e9) })
  return await introspectSchema(createHasuraClient({ url: server.url, role: 'viewer', tokens, clock }), signal).catch(
    (error: unknown) => error,
  )
}

describe('an introspection', () => {
  test.each<[why: string, answer: Answer]>([
    ['is switched off', refused('not-supported')],
    ['is no field of the role', refused('validation-failed')],
    ['is refused by a proxy', status(403)],
    ['is not allowed by a gateway', refused('INTROSPECTION_DISABLED')],
  ])('that %s is a refusal, with where to allow it', async (_why, answer) => {
    expect(await introspect(answer)).toMatchObject({
      code: 'introspection',
      found: expect.stringMatching(/^Role "viewer" may not introspect the schema \(/),
      remedy: expect.stringContaining('disabled_for_roles'),
    })
  })

  test.each<[why: string, answer: Answer, error: object]>([
    [
      'that is too deep',
      refused('depth-limit-exceeded'),
      { code: 'depth-limit-exceeded', remedy: expect.stringContaining('raise the limit of the role') },
    ],
    [
      'of a token without roles',
      refused('jwt-missing-role-claims'),
      { code: 'jwt-missing-role-claims', remedy: expect.stringContaining('HASURA_GRAPHQL_JWT_SECRET') },
    ],
    [
      'that is too large',
      status(413),
      { code: 'too-large', remedy: expect.stringContaining('let role "viewer" see fewer tables') },
    ],
  ])('%s keeps its own words', async (_why, answer, error) => {
    const thrown = await introspect(answer)
    expect(thrown).toBeInstanceOf(PermanentError)
    expect(thrown).toMatchObject(error)
  })

  test('may take minutes, and is not repeated if that is too little', async () => {
    let given: RequestOptions = {}
    const query = async (_document: unknown, _variables: unknown, options: RequestOptions = {}) => {
      given = options
      return introspectionFromSchema(buildSchema('type Query { a: Int }'))
    }
    const refuse = () => expect.fail('it is not used')
    const hasura = { role: 'viewer', query: query as HasuraClient['query'], mutate: refuse, queryRows: refuse }
    expect(await introspectSchema(hasura, signal)).toMatchObject({ leftOut: [] })
    expect(given.timeoutMs).toBe(300_000)
    const failure = (code: string) => new TransientError(code, 'it failed')
    expect([failure('timeout'), failure('network')].map(error => given.givesUpOn?.(error))).toEqual([true, false])
  })
})
