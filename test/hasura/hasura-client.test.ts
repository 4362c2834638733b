import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { OutageError, PermanentError, RateLimitedError, TransientError, UnknownOutcomeError } from '../../src/errors.ts'
import { createHasuraClient, type RequestOptions } from '../../src/hasura/hasura-client.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { type Answer, cutOff, silence, silenceAfterTheHead, status } from '../fixtures/scripted-server.ts'
import { refused, startScriptedHasura } from './scripted-hasura.ts'

const articles: TypedDocumentNode<{ articles: { id: number }[] }, { after: string }> = parse(
  'query Articles($after: timestamptz!) { articles(where: { updated_at: { _gt: $after } }) { id } }',
)
const publish: TypedDocumentNode<{ publish: { ok: boolean } }, { title: string }> = parse(
  'mutation Publish($title: String!) { publish(title: $title) { ok } }',
)
const after = { after: '2026-01-01T00:00:00.123456Z' }
const title = { title: 'canary-variable' }
const oneArticle = { data: { articles: [{ id: 1 }] } }
const published = { data: { publish: { ok: true } } }

/** A client of a server with this script, and everything that can be looked at afterwards. */
async function open(...answers: Answer[]) {
  const server = await startScriptedHasura(...answers)
  return { server, ...clientOf(server.url), [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

function clientOf(url: string, limits: { readonly pingTimeoutMs?: number } = {}) {
  const { tokens, clock, fetched } = createAccess()
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: line => lines.push(line) })
  const client = createHasuraClient({ url, role: 'viewer', tokens, clock, log, ...limits })
  return { client, clock, lines, fetched }
}

describe('a request', () => {
  test('carries the operation, its variables, the role and the token', async () => {
    await using opened = await open(oneArticle)
    expect(await opened.client.query(articles, after)).toEqual(oneArticle.data)
    const [request] = opened.server.requests
    expect(request?.headers).toMatchObject({ authorization: 'Bearer canary-token-1', 'x-hasura-role': 'viewer' })
    expect(request?.body).toMatchObject({ operationName: 'Articles', variables: after })
    expect(request?.body).toHaveProperty('query', expect.stringMatching(/^query Articles/))
  })

  test('gives the values of the rows as they came, and the time of the server', async () => {
    const text = '{"data":{"articles":[{"id":9007199254740993,"price":1.10,"at":"2026-01-01T00:00:00.123456+00:00"}]}}'
    const date = 'Sun, 01 Nov 2026 12:00:30 GMT'
    await using opened = await open(status(503), (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json', date }).end(text),
    )
    const result = await opened.client.queryRows(articles, after, 'articles')
    expect(result).toMatchObject({ count: 1, length: text.length })
    expect(['id', 'price', 'at'].map(name => result.column(name)?.text(0))).toEqual([
      '9007199254740993',
      '1.10',
      '"2026-01-01T00:00:00.123456+00:00"',
    ])
    expect(result.serverDate).toBe(Date.UTC(2026, 10, 1, 12, 0, 30))
  })

  test.each<[string, string]>([
    ['from all rows', '[{"id":1},{"id":2}]'],
    ['from one row', '[{"id":1,"name":"canary"},{"id":2}]'],
    ['from the first row', '[{"id":1},{"id":2,"name":"canary"}]'],
  ])('gives no rows if a field was removed %s on the way', async (_where, rows) => {
    await using opened = await open((_request, response) => response.end(`{"data":{"notes":${rows}}}`))
    const named = parse('query Notes { notes { id title: name } }')
    const renamed = rows.replaceAll('name', 'title')
    const error = await failureOf(opened.client.queryRows(named, {}, 'notes'))
    expect(error).toMatchObject({ code: 'response-shape', found: expect.stringContaining('without the field "title"') })
    await using complete = await open((_request, response) => response.end(`{"data":{"notes":${renamed}}}`))
    const conditional = parse('query Notes($all: Boolean = false) { notes { id title: name @include(if: $all) } }')
    expect(await complete.client.queryRows(conditional, {}, 'notes')).toMatchObject({ count: 2 })
  })

  test.each<[string, (client: ReturnType<typeof clientOf>['client']) => Promise<unknown>, RegExp]>([
    ['a mutation as a query', client => client.query(publish, title), /session\.hasura\.mutate/],
    ['a mutation as a query for its rows', client => client.queryRows(publish, title, 'articles'), /hasura\.mutate/],
    ['a query as a mutation', client => client.mutate(articles, after), /session\.hasura\.query/],
    ['a subscription', client => client.query(parse('subscription A { a }'), {}), /write it as a query/],
    ['two operations', client => client.query(parse('query A { a } query B { b }'), {}), /codegen/],
    ['variables that are not JSON', client => client.query(parse('query A { a }'), { canary: 1n }), /BigInt as text/],
  ])('is not sent: %s', async (_name, send, remedy) => {
    await using opened = await open(oneArticle)
    expect(await failureOf(send(opened.client))).toMatchObject({
      name: 'PermanentError',
      code: expect.stringMatching(/^(document|variables)$/),
      remedy: expect.stringMatching(remedy),
    })
    expect(opened.server.requests).toHaveLength(0)
  })

  type Variables = Record<string, unknown>
  const find: TypedDocumentNode<unknown, Variables> = parse(
    'query Find($where: notes_bool_exp!) { notes(where: $where) { id } }',
  )
  const change: TypedDocumentNode<unknown, Variables> = parse(
    `mutation Change($where: notes_bool_exp = {}, $id: UuidComparisonExp = {}, $set: notes_set_input, $updates: [notes_updates!]!) {
      update_notes(where: { _and: [$where, { id: $id }] }, _set: $set) { affected_rows returning { tags(where: $set) { id } } }
      update_notes_many(updates: $updates) { affected_rows }
    }`,
  )
  const remove: TypedDocumentNode<unknown, Variables> = parse(
    'mutation Change($id: uuid, $title: String) { update_notes(where: { id: { _eq: $id } }, _set: { title: $title }) { affected_rows } }',
  )
  const everyRow = ', so that the filter would match more rows'

  test.each<[what: string, variables: Variables, found: string]>([
    ['an operator without a value', { where: { id: { _eq: undefined } } }, `no value at "where.id._eq"${everyRow}`],
    ['the same beside another', { where: { id: { _eq: undefined, _gt: 1 } } }, `no value at "where.id._eq"${everyRow}`],
    ['the same in a list', { where: { _or: [{ id: { _eq: undefined } }] } }, `"where._or.0.id._eq"${everyRow}`],
    ['a filter of which nothing is left', { where: { id: undefined } }, `no value at "where.id"${everyRow}`],
    ['a comparison without a value', { id: { _eq: undefined } }, `no value at "id._eq"${everyRow}`],
    ['a filter beside what it changes', { updates: [{ where: { id: undefined }, _set: {} }] }, `"updates.0.where.id"`],
    ['an operator with null', { where: { _id: { _eq: null } } }, `no value at "where._id._eq"${everyRow}`],
    ['the same beside another', { where: { id: { _eq: null, _gt: 1 } } }, `no value at "where.id._eq"${everyRow}`],
    ['a filter with nothing but null', { where: { id: null, title: undefined } }, `no value at "where.id"${everyRow}`],
    ['null in the place of a default', { where: null }, `no value at "where"${everyRow}`],
  ])('is not sent as a mutation, which would change every row: %s', async (_what, variables, found) => {
    await using opened = await open({ data: {} })
    const error = await failureOf(opened.client.mutate(change, variables))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ code: 'variables', found: expect.stringContaining(found) })
    expect(error.message).toMatch(/^The variables of Change have no value at /)
    expect(opened.server.requests).toHaveLength(0)
  })

  test.each([{}, { id: undefined }, { id: undefined, title: 'x' }, { id: null }])(
    'is not sent as a mutation without a variable of its filter: %j',
    async variables => {
      await using opened = await open({ data: {} })
      expect(await failureOf(opened.client.mutate(remove, variables))).toMatchObject({
        code: 'variables',
        found: `The variables of Change have no value at "id"${everyRow}`,
      })
      await opened.client.mutate(remove, { id: '1' })
      expect(opened.server.requests).toHaveLength(1)
    },
  )

  const noFilter =
    'mutation Change($v: jsonb, $w: notes_bool_exp, $objects: [notes_insert_input!]!, $change: notes_changes)'
  test.each<[what: string, operation: string, variables: Variables]>([
    [
      'JSON of a row',
      '{ insert_notes(objects: $objects) { affected_rows } }',
      { objects: [{ q: { where: { a: null } } }] },
    ],
    ['JSON', '{ insert_notes(objects: { q: $v }) { affected_rows } }', { v: { where: null } }],
    ['JSON in a row', '{ insert_notes(objects: { q: { where: $v } }) { affected_rows } }', { v: null }],
    ['JSON that is appended', '{ update_notes(_append: $change) { id } }', { change: { f: { where: { at: null } } } }],
    ['the row that is returned', '{ update_notes_by_pk(pk_columns: 1) { posts(where: $w) { id } } }', { w: null }],
    [
      'a part of it',
      '{ insert_note_one(object: {}) { ...N } } fragment N on n { posts(where: $w) { id } }',
      { w: undefined },
    ],
    ['an upsert', '{ insert_notes(on_conflict: { constraint: c, where: $w }) { affected_rows } }', { w: null }],
    [
      'JSON that is compared',
      '{ delete_notes(where: { tags: { _contains: { a: $v } } }) { affected_rows } }',
      { v: null },
    ],
    [
      'a name like an operator’s',
      '{ delete_notes(where: $w) { affected_rows } }',
      { w: { tags: { _contains: { _gone: null } } } },
    ],
  ])('is sent as a mutation with null outside of a filter’s conditions: %s', async (_what, operation, variables) => {
    await using opened = await open({ data: {} })
    await opened.client.mutate(parse(`${noFilter} ${operation}`), variables)
    expect(opened.server.requests[0]?.body).toHaveProperty('variables', JSON.parse(JSON.stringify(variables)))
  })

  const filters =
    'mutation Change($v: jsonb, $id: uuid, $objects: [notes_insert_input!]!, $oc: notes_on_conflict, $w: notes_bool_exp)'
  test.each<[what: string, operation: string, variables: Variables]>([
    ['in a namespace', '{ north { delete_notes(where: { id: { _eq: $id } }) { affected_rows } } }', { id: undefined }],
    [
      'in a fragment',
      '{ ...F } fragment F on m { delete_notes(where: { id: { _eq: $id } }) { affected_rows } }',
      { id: null },
    ],
    ['in a part', '{ ... on m { delete_notes(where: { id: { _eq: $id } }) { affected_rows } } }', {}],
    ['as a whole', '{ delete_notes(where: $w) { affected_rows } }', { w: null }],
    ['as a whole in a list', '{ update_notes_many(updates: [{ where: $w }]) { affected_rows } }', { w: null }],
    ['as a whole of an upsert', '{ insert_notes(on_conflict: { constraint: c, where: $w }) { id } }', {}],
    ['in a list', '{ update_notes_many(updates: [{ where: { id: { _eq: $id } } }]) { affected_rows } }', { id: null }],
    ['in an alternative', '{ delete_notes(where: { _or: [{ id: { _in: $id } }] }) { affected_rows } }', { id: null }],
    ['JSON', '{ delete_notes(where: { tags: { _contains: $v } }) { affected_rows } }', { v: null }],
    ['JSON that gets empty', '{ delete_notes(where: { tags: { _contains: { a: $v } } }) { affected_rows } }', {}],
    [
      'as a cast',
      '{ delete_notes(where: { tags: { _cast: { String: { _eq: $v } } } }) { affected_rows } }',
      { v: null },
    ],
    ['of an upsert', '{ insert_notes(on_conflict: { constraint: c, where: { id: { _eq: $id } } }) { id } }', {}],
    [
      'of a variable’s upsert',
      '{ insert_notes(on_conflict: $oc) { id } }',
      { oc: { constraint: 'c', where: { id: { _eq: undefined } } } },
    ],
    [
      'of a nested upsert',
      '{ insert_notes(objects: $objects) { id } }',
      { objects: [{ posts: { data: [], on_conflict: { where: { id: { _eq: undefined } } } } }] },
    ],
  ])('is not sent as a mutation whose condition has no value: %s', async (_what, operation, variables) => {
    await using opened = await open({ data: {} })
    const error = await failureOf(opened.client.mutate(parse(`${filters} ${operation}`), variables))
    expect(error).toMatchObject({ code: 'variables', found: expect.stringContaining(everyRow) })
  })

  test.each<[what: string, variables: Variables, found: RegExp]>([
    ['NaN', { set: { price: Number.NaN } }, /have the number NaN at "set\.price", which JSON can't write$/],
    ['Infinity', { limit: Number.POSITIVE_INFINITY }, /have the number Infinity at "limit", which JSON can't write$/],
    ['a Promise', { where: { id: Promise.resolve({ _eq: 1 }) } }, /have no value at "where\.id", so that/],
    ['a Map', { set: { tags: new Map([['canary', 1]]) } }, /have no value at "set\.tags"$/],
    ['a Set', { set: { tags: [new Set(['canary'])] } }, /have no value at "set\.tags\.0"$/],
    ['an invalid date', { set: { at: new Date(Number.NaN) } }, /have no value at "set\.at"$/],
    ['a function', { where: { 'canary@example.com': () => 1 } }, /have no value at "where\.…", so that/],
  ])('is not sent, because JSON can’t carry it: %s', async (_what, variables, found) => {
    await using opened = await open({ data: { notes: [] } })
    for (const sent of [
      opened.client.query(find, variables),
      opened.client.queryRows(find, variables, 'notes'),
      opened.client.mutate(change, variables),
    ]) {
      const error = await failureOf(sent)
      expect(error).toBeInstanceOf(PermanentError)
      expect(error).toMatchObject({ code: 'variables', found: expect.stringMatching(found) })
    }
    expect(opened.server.requests).toHaveLength(0)
  })

  test.each<[what: string, kind: 'query' | 'mutate', variables: Variables]>([
    ['a condition without a value in a query', 'query', { where: { id: { _eq: undefined } } }],
    ['a condition that is left out', 'mutate', { where: { id: { _eq: 1 }, status: undefined } }],
    ['an alternative that is left out', 'mutate', { where: { id: { _eq: 1 }, _or: undefined } }],
    ['a condition with null in a query', 'query', { where: { id: { _eq: null } } }],
    ['a condition that is null beside another', 'mutate', { where: { id: { _eq: 1 }, status: null, _or: null } }],
    ['null in JSON that a filter compares with', 'mutate', { where: { tags: { _contains: { a: null, b: [null] } } } }],
    ['a value that becomes null', 'mutate', { set: { title: null }, updates: [{ where: {}, _set: { title: null } }] }],
    ['a number and a text as objects', 'mutate', { set: { size: Object(5), title: Object('') } }],
    ['a column that is left as it is', 'mutate', { set: { title: undefined, _id: undefined } }],
    ['what a list of updates leaves out', 'mutate', { updates: [{ where: { id: { _eq: 1 } }, _inc: undefined }] }],
    ['a variable that is left out', 'mutate', { where: { id: { _eq: 1 } }, set: undefined }],
    ['all rows', 'mutate', { where: {} }],
    [
      'an instant, and JSON that a column holds',
      'mutate',
      { set: { at: new Date(0), tags: { a: [], b: {}, c: null } } },
    ],
  ])('is sent without what is undefined on purpose: %s', async (_what, kind, variables) => {
    await using opened = await open({ data: {} })
    await opened.client[kind](kind === 'query' ? find : change, variables)
    expect(opened.server.requests[0]?.body).toHaveProperty('variables', JSON.parse(JSON.stringify(variables)))
  })
})

describe('a rejected token', () => {
  test('is replaced once, for a mutation as well', async () => {
    await using opened = await open(refused('invalid-jwt', 'Could not verify JWT: JWTExpired', '$'), published)
    expect(await opened.client.mutate(publish, title)).toEqual(published.data)
    expect(opened.server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer canary-token-1',
      'Bearer canary-token-2',
    ])
  })

  test('is replaced by one fetch when eight requests fail at once', async () => {
    await using opened = await open((request, response) => {
      const isFresh = request.headers.authorization === 'Bearer canary-token-2'
      response.writeHead(isFresh ? 200 : 401, { 'content-type': 'application/json' })
      response.end(isFresh ? JSON.stringify(oneArticle) : '')
    })
    await Promise.all(Array.from({ length: 8 }, () => opened.client.query(articles, after)))
    expect(opened.fetched()).toBe(2)
  })

  test('that is rejected again stops the request, with what to compare', async () => {
    await using opened = await open(refused('invalid-jwt', 'Could not verify JWT: JWTNotInAudience', '$'))
    const error = await failureOf(opened.client.query(articles, after))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({ code: 'invalid-jwt' })
    expect(error.message).toMatch(/JWTNotInAudience.*compare audience/)
    expect(opened.server.requests).toHaveLength(2)
    expect(opened.clock.pausesMs).toEqual([])
  })
})

test.each([
  ['JWTIssuedAtFuture', /clocks.*NTP.*allowed_skew/],
  ['JWTNotYetValid', /clocks.*NTP.*allowed_skew/],
  ['JWTExpired', /clocks.*NTP.*Access Token Lifespan/],
  ['JWTNotInIssuer', /compare issuer/],
  ['JWSError JWSInvalidSignature', /jwk_url.*rotated/],
  ['JWSError NoUsableKeys', /jwk_url.*rotated/],
  ['JWSError (AlgorithmMismatch "…")', /signature algorithm/],
  ['something new', /audience, issuer and keys.*clocks/],
])("Hasura's words about a fresh token decide what to do: %s", async (words, remedy) => {
  await using opened = await open(refused('invalid-jwt', `Could not verify JWT: ${words}`, '$'))
  expect((await failureOf(opened.client.query(articles, after))).message).toMatch(remedy)
})

test('a token that Hasura’s authentication hook refuses is replaced once, and then its log has the reason', async () => {
  await using opened = await open(refused('access-denied', 'Authentication hook unauthorized this request', '$'))
  const error = await failureOf(opened.client.query(articles, after))
  expect(error).toBeInstanceOf(OutageError)
  expect(error.message).toMatch(/rejected a fresh token as well.*log of the authentication hook/)
  expect(opened.server.requests).toHaveLength(2)
})

describe('a token from a clock that is ahead of Hasura', () => {
  const early = refused('invalid-jwt', 'Could not verify JWT: JWTIssuedAtFuture', '$')

  test('is kept and tried again a moment later, for a mutation as well', async () => {
    await using opened = await open(early, published)
    expect(await opened.client.mutate(publish, title)).toEqual(published.data)
    expect(opened.clock.pausesMs).toEqual([3_000])
    expect(opened.fetched()).toBe(1)
  })

  test('that is far ahead waits as an outage, while it grows older', async () => {
    await using opened = await open(early)
    expect(await failureOf(opened.client.query(articles, after))).toBeInstanceOf(OutageError)
    await failureOf(opened.client.query(articles, after))
    expect(opened.fetched()).toBe(1)
  })
})

describe('a query that fails', () => {
  test.each<[string, Answer]>([
    ['an unexpected error', refused('unexpected')],
    ['a failing proxy', status(502, '<h1>canary')],
    ['an answer that is cut off', cutOff],
  ])('with %s is tried again after 1, 2 and 4 seconds', async (_name, answer) => {
    await using opened = await open(answer)
    expect(await failureOf(opened.client.query(articles, after))).toBeInstanceOf(TransientError)
    expect(opened.clock.pausesMs).toEqual([1_000, 2_000, 4_000])
    expect(opened.server.requests).toHaveLength(4)
    expect(opened.lines.join()).not.toMatch(/canary/)
  })

  test('succeeds if a later attempt does', async () => {
    await using opened = await open(status(503), cutOff, oneArticle)
    expect(await opened.client.query(articles, after)).toEqual(oneArticle.data)
    expect(opened.clock.pausesMs).toEqual([1_000, 2_000])
  })

  test('for good is not tried again', async () => {
    await using opened = await open(refused('validation-failed', "field 'articles' not found in type: 'query_root'"))
    const error = await failureOf(opened.client.query(articles, after))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ code: 'operation-refused' })
    expect(opened.server.requests).toHaveLength(1)
  })

  test.each<[string, Answer]>([
    ['never', silence],
    ['with half an answer', silenceAfterTheHead],
  ])('because Hasura answers %s in time', async (_name, answer) => {
    await using opened = await open(answer)
    const error = await failureOf(opened.client.query(articles, after, { timeoutMs: 500 }))
    expect(error).toMatchObject({ code: 'timeout' })
    expect(opened.server.requests).toHaveLength(4)
  })

  test('because Hasura answers nothing at all is an outage, told as that', async () => {
    await using server = await startScriptedHasura(silence)
    const { client } = clientOf(server.url, { pingTimeoutMs: 1_000 })
    const error = await failureOf(client.query(articles, after, { timeoutMs: 1_000 }))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({ code: 'network', scope: 'account', found: expect.stringContaining('reads nothing') })
  })

  test.each<[string, Answer]>([
    ['answers', oneArticle],
    ['refuses', refused('validation-failed', 'query is not allowed')],
  ])('because one query is late is no outage, if Hasura %s one that reads nothing', async (_name, answer) => {
    await using server = await startScriptedHasura(silence, answer, oneArticle)
    const { client, clock } = clientOf(server.url, { pingTimeoutMs: 1_000 })
    expect(await client.query(articles, after, { timeoutMs: 1_000 })).toEqual(oneArticle.data)
    expect(clock.pausesMs).toEqual([1_000])
    expect(server.requests.map(({ body }) => body)).toMatchObject([{}, { query: '{\n  __typename\n}' }, {}])
  })

  test('because nothing listens says so', async () => {
    const { client } = clientOf(await urlOfNobody())
    const error = await failureOf(client.query(articles, after))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({ code: 'network' })
    expect(error.message).toMatch(/ECONNREFUSED.*HASURA_URL/)
  })

  test('because the endpoint redirects doesn’t send the token elsewhere', async () => {
    await using elsewhere = await open(oneArticle)
    await using opened = await open(status(307, '', { location: elsewhere.server.url }))
    expect(await failureOf(opened.client.query(articles, after))).toMatchObject({ code: 'redirect' })
    expect(elsewhere.server.requests).toHaveLength(0)
  })
})

describe('a mutation that fails', () => {
  test.each<[string, Answer, RequestOptions]>([
    ['with an unexpected error', refused('unexpected'), {}],
    ['in a proxy', status(504, '<h1>canary'), {}],
    ['because its answer is cut off', cutOff, {}],
    ['because no answer comes', silence, { timeoutMs: 1_000 }],
  ])('%s is not sent again, and its outcome is unknown', async (_name, answer, options) => {
    await using opened = await open(answer, published)
    expect(await failureOf(opened.client.mutate(publish, title, options))).toBeInstanceOf(UnknownOutcomeError)
    expect(opened.server.requests).toHaveLength(1)
  })

  test('before anything was sent has not happened', async () => {
    const { client, clock } = clientOf(await urlOfNobody())
    const error = await failureOf(client.mutate(publish, title))
    expect(error).toBeInstanceOf(OutageError)
    expect(clock.pausesMs).toEqual([])
  })

  test('with a constraint shows no value', async () => {
    await using opened = await open(
      refused('constraint-violation', 'Uniqueness violation. canary', '$.selectionSet.publish'),
    )
    const error = await failureOf(opened.client.mutate(publish, title))
    expect(error).toMatchObject({ code: 'constraint-violation' })
  })
})

describe('a rate limit', () => {
  test('is waited for without using a try, by a mutation as well', async () => {
    const limited = status(429, '', { 'retry-after': '7' })
    await using opened = await open(limited, limited, published)
    expect(await opened.client.mutate(publish, title)).toEqual(published.data)
    expect(opened.clock.pausesMs).toEqual([7_000, 7_000])
  })

  test.each([
    ['a pause that is too long', '61', []],
    ['pauses that add up', '25', [25_000, 25_000]],
  ])('with %s gives the request back', async (_name, seconds, pausesMs) => {
    await using opened = await open(status(429, '', { 'retry-after': seconds }))
    const error = await failureOf(opened.client.query(articles, after))
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error).toMatchObject({ retryAfterMs: Number(seconds) * 1_000 })
    expect(opened.clock.pausesMs).toEqual(pausesMs)
  })
})

describe('a caller who leaves', () => {
  test.each([['query'], ['mutate']] as const)('a %s gets its own reason back', async how => {
    const leaving = new AbortController()
    const reason = new Error('leaving')
    await using opened = await open(() => leaving.abort(reason))
    const options = { signal: leaving.signal }
    const sent =
      how === 'query' ? opened.client.query(articles, after, options) : opened.client.mutate(publish, title, options)
    await expect(sent).rejects.toBe(reason)
    expect(opened.server.requests).toHaveLength(1)
  })

  test('before the request sends nothing', async () => {
    await using opened = await open(oneArticle)
    const options = { signal: AbortSignal.abort(new Error('gone')) }
    await expect(opened.client.query(articles, after, options)).rejects.toThrow('gone')
    expect(opened.server.requests).toHaveLength(0)
  })
})

/** A port that was free a moment ago. */
async function urlOfNobody(): Promise<string> {
  await using server = await startScriptedHasura()
  return server.url
}
