import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  OutageError,
  PermanentError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
  WorkerError,
} from '../../src/errors.ts'
import type { HasuraResponse } from '../../src/hasura/hasura-response.ts'
import { interpretResponse, type Verdict } from '../../src/hasura/interpret-response.ts'

const now = Date.UTC(2026, 10, 1, 12)

function response(body: unknown, statusCode = 200, headers: Record<string, string> = {}): HasuraResponse {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const type = typeof body === 'string' ? 'text/html; charset=utf-8' : 'application/json'
  return { status: statusCode, headers: new Headers({ 'content-type': type, ...headers }), body: Buffer.from(text) }
}

function refusal(code: string, message = 'canary', path = '$.selectionSet.articles') {
  return { errors: [{ message, extensions: { code, path } }] }
}

function errorOf(verdict: Verdict): WorkerError {
  if (verdict.kind === 'error') return verdict.error
  throw new Error(`the verdict is ${verdict.kind}`)
}

describe('an answer with data', () => {
  test('is its data', () => {
    const data = { articles: [{ id: 1 }] }
    expect(interpretResponse(response({ data }), 'query', 'viewer')).toEqual({ kind: 'data', data })
    expect(interpretResponse(response({ data, errors: [] }), 'mutation', 'viewer')).toEqual({ kind: 'data', data })
  })

  test('keeps each integer, as text where JavaScript would round it', () => {
    const body =
      '{"data":{"a":[{"id":9007199254740993,"n":-9223372036854775808,"i":9007199254740991,"f":0.5,"j":{"k":1e400}}]}}'
    const a = [{ id: '9007199254740993', n: '-9223372036854775808', i: 9007199254740991, f: 0.5, j: { k: '1e400' } }]
    const asJson = { ...response({}), body: Buffer.from(body) }
    for (const kind of ['query', 'mutation'] as const) {
      expect(interpretResponse(asJson, kind, 'viewer')).toEqual({ kind: 'data', data: { a } })
    }
  })

  test('and errors is an error', () => {
    const verdict = interpretResponse(response({ data: { a: null }, ...refusal('unexpected') }), 'query', 'viewer')
    expect(errorOf(verdict)).toBeInstanceOf(TransientError)
  })

  test.each([{ data: null }, { data: [] }, { data: {}, errors: 'canary' }])('of the form %j is none', body => {
    expect(errorOf(interpretResponse(response(body), 'query', 'viewer')).message).toMatch(/not a GraphQL response/)
  })
})

describe("each of Hasura's codes", () => {
  test.each([
    'access-denied',
    'jwt-missing-role-claims',
    'jwt-invalid-claims',
    'invalid-headers',
    'validation-failed',
    'validation-error',
    'parse-failed',
    'permission-error',
    'constraint-violation',
    'constraint-error',
    'data-exception',
    'depth-limit-exceeded',
    'node-limit-exceeded',
  ])('%s is permanent for a query and for a mutation, at any status', code => {
    for (const statusCode of [200, 400, 401, 403, 500]) {
      for (const kind of ['query', 'mutation'] as const) {
        const answer = response(refusal(code, 'canary', '$.selectionSet.articles.args.where'), statusCode)
        const error = errorOf(interpretResponse(answer, kind, 'viewer'))
        expect(error).toBeInstanceOf(PermanentError)
        expect(error).not.toBeInstanceOf(UnknownOutcomeError)
        expect(error.code).toBe(code)
        expect(error.message).toMatch(/role "viewer"/)
        expect(error.message).toContain('$.selectionSet.articles')
      }
    }
  })

  test.each([
    ['missing session variable: "x-hasura-org-id"', '"x-hasura-org-id"'],
    ['missing session variables: "x-hasura-org-id", "x-hasura-user-id"', '"x-hasura-org-id", "x-hasura-user-id"'],
    ['"x-hasura-user-id" header is expected but not found', '"x-hasura-user-id"'],
  ])('not-found that says %s is a refusal of this job, with what the token lacks', (message, names) => {
    for (const kind of ['query', 'mutation'] as const) {
      const error = errorOf(interpretResponse(response(refusal('not-found', message, '$')), kind, 'viewer'))
      expect(error).toBeInstanceOf(RefusalError)
      expect(error).toMatchObject({ code: 'claims', scope: 'job' })
      expect(error.message).toBe(
        `Hasura found no ${names} in the token, which a permission of role "viewer" needs: add a mapper that writes it as a session variable (Client scopes → hasura → Mappers); if the token has it, name it in claims_map of HASURA_GRAPHQL_JWT_SECRET; or change the permission`,
      )
    }
  })

  test.each([
    ['not-found', '"x-hasura-org-id" session variable expected, but not found', '"x-hasura-org-id"'],
    ['not-found', 'Session variable x-hasura-org-id not found', '"x-hasura-org-id"'],
    ['not-supported', 'prepareLiteral: session var not found: "x-hasura-org-id"', '"x-hasura-org-id"'],
  ])(
    '%s that says %s is one of these, too, but may come of a remote relationship once a mutation is committed',
    (code, message, names) => {
      for (const [kind, type] of [['query', RefusalError] as const, ['mutation', UnknownOutcomeError] as const]) {
        const error = errorOf(interpretResponse(response(refusal(code, message, '$')), kind, 'viewer'))
        expect(error).toBeInstanceOf(type)
        expect(error.message).toContain(`Hasura found no ${names} in the token`)
      }
    },
  )

  test.each([
    ['coercion-error', '"canary" cannot be coerced into an Int value', 'a session variable of the token as Int'],
    ['coercion-error', '"can ary" is not a valid GraphQL name', 'a session variable of the token as GraphQL name'],
    [
      'coercion-error',
      '"canary" is not one of the valid enum values',
      'a session variable of the token as a value of its enum',
    ],
    [
      'parse-failed',
      'Expected number JSON value for session variable "x-hasura-org-id". Error in $: canary',
      '"x-hasura-org-id" of the token as number JSON value',
    ],
  ])('%s that says %s is a refusal of this job, without the value', (code, message, what) => {
    const [asQuery, asMutation] = (['query', 'mutation'] as const).map(kind =>
      errorOf(interpretResponse(response(refusal(code, message, '$')), kind, 'viewer')),
    )
    expect(asQuery).toBeInstanceOf(RefusalError)
    expect(asQuery).toMatchObject({ code: 'claims', scope: 'job' })
    expect(asMutation).toBeInstanceOf(UnknownOutcomeError)
    for (const error of [asQuery, asMutation]) {
      expect(error?.found).toContain(`Hasura could not read ${what}, which a permission of role "viewer" uses`)
      expect(error?.message).not.toMatch(/can ?ary/)
    }
  })

  test.each(['not-supported', 'bad-request', 'coercion-error'])(
    '%s is permanent for a query, and of unknown outcome for a mutation, because an action’s handler may say so',
    code => {
      const asQuery = errorOf(interpretResponse(response(refusal(code, 'canary', '$')), 'query', 'viewer'))
      expect(asQuery).toBeInstanceOf(PermanentError)
      expect(asQuery.code).toBe(code)
      const asMutation = errorOf(interpretResponse(response(refusal(code, 'canary', '$')), 'mutation', 'viewer'))
      expect(asMutation).toBeInstanceOf(UnknownOutcomeError)
    },
  )

  test.each([
    ['access-denied', 'handler-refused'],
    ['validation-failed', 'validation-failed'],
  ])('%s in the words of a handler is about this request: it holds no job, and is told where to look', (code, told) => {
    for (const [kind, path] of [
      ['query', '$'] as const,
      ['mutation', '$'] as const,
      ['mutation', undefined] as const,
    ]) {
      // Extensions that a handler gives replace Hasura's, which have a path.
      const answer = response({ errors: [{ message: 'only an admin may do so', extensions: { code, path } }] })
      const error = errorOf(interpretResponse(answer, kind, 'viewer'))
      expect(error).toBeInstanceOf(PermanentError)
      expect(error).toMatchObject({ code: told, remedy: expect.stringContaining("log of the action's handler") })
    }
  })

  test.each(['unexpected', 'postgres-error', 'timeout', 'out-of-stock', 'not-found'])(
    '%s is transient for a query and of unknown outcome for a mutation',
    code => {
      const asQuery = errorOf(interpretResponse(response(refusal(code)), 'query', 'viewer'))
      expect(asQuery).toBeInstanceOf(TransientError)
      expect(asQuery.code).toBe(code)
      const asMutation = errorOf(interpretResponse(response(refusal(code)), 'mutation', 'viewer'))
      expect(asMutation).toBeInstanceOf(UnknownOutcomeError)
      expect(asMutation.message).toContain(code)
    },
  )

  test.each([
    ['invalid-jwt', 'token-rejected'],
    ['rate-limit-exceeded', 'rate-limited'],
  ])(
    '%s in words that are not Hasura’s is not about a whole mutation, of which a part may have been executed',
    (code, kind) => {
      const answer = response(refusal(code, 'slow down'))
      expect(interpretResponse(answer, 'query', 'viewer')).toMatchObject({ kind })
      expect(errorOf(interpretResponse(answer, 'mutation', 'viewer'))).toBeInstanceOf(UnknownOutcomeError)
    },
  )

  test.each([
    ['invalid-jwt', 'Could not verify JWT: JWTExpired'],
    ['rate-limit-exceeded', 'rate limit of 10 exceeded'],
  ])(
    '%s beside another error is not about the whole request, of which a part may have been executed',
    (code, message) => {
      const errors = [...refusal(code, message).errors, ...refusal('unexpected').errors]
      expect(errorOf(interpretResponse(response({ errors }), 'mutation', 'viewer'))).toBeInstanceOf(UnknownOutcomeError)
    },
  )

  test.each([
    [
      'invalid-headers',
      "Missing 'Authorization' or 'Cookie' header in JWT authentication mode",
      /let the proxies in front of Hasura pass the header Authorization/,
    ],
    ['invalid-headers', 'Missing Authorization header in JWT authentication mode', /must be of type Authorization/],
    ['invalid-headers', 'Malformed Authorization header', /pass the header Authorization unchanged/],
    ['invalid-headers', 'Could not find session in Cookie header', /must be of type Authorization/],
    ['invalid-headers', 'Could not verify JWT: Multiple JWTs found', /another issuer in each entry/],
    [
      'access-denied',
      'x-hasura-admin-secret/x-hasura-access-key required, but not found',
      /set HASURA_GRAPHQL_JWT_SECRET/,
    ],
    ['access-denied', 'x-hasura-admin-secret required, but not found', /set HASURA_GRAPHQL_JWT_SECRET/],
  ])('%s that says that no token was read is an outage of the account: %s', (code, message, remedy) => {
    for (const kind of ['query', 'mutation'] as const) {
      const error = errorOf(interpretResponse(response(refusal(code, message, '$')), kind, 'viewer'))
      expect(error).toBeInstanceOf(OutageError)
      expect(error).toMatchObject({ code, scope: 'account', remedy: expect.stringMatching(remedy) })
      expect(error.message).toContain(`Hasura read no token: ${code} at $ (${message})`)
    }
    const errors = [...refusal(code, message).errors, ...refusal('unexpected').errors]
    expect(errorOf(interpretResponse(response({ errors }), 'mutation', 'viewer'))).toBeInstanceOf(PermanentError)
  })

  test.each([
    ['unexpected', 'webhook authentication request failed'],
    ['unexpected', 'Invalid response from authorization hook'],
    ['unexpected', 'Invalid response from authorization hook: Error in $: canary'],
    ['invalid-params', 'x-hasura-role not found in session variables'],
    ['invalid-params', '"x-hasura-role" not found in session variables'],
  ])('%s that says that the authentication hook failed is an outage of the account: %s', (code, message) => {
    for (const kind of ['query', 'mutation'] as const) {
      const error = errorOf(interpretResponse(response(refusal(code, message, '$')), kind, 'viewer'))
      expect(error).toBeInstanceOf(OutageError)
      expect(error).toMatchObject({ scope: 'account', remedy: expect.stringContaining('HASURA_GRAPHQL_AUTH_HOOK') })
      expect(error.message).not.toContain('canary')
    }
  })

  test('an operation that is not on the allow list is told with the command that prints what to put there', () => {
    const answer = response(refusal('validation-failed', 'query is not allowed', '$'))
    expect(errorOf(interpretResponse(answer, 'query', 'viewer')).message).toBe(
      'Hasura refused the operation as role "viewer": validation-failed at $ (query is not allowed): add the output of "npm run -s cli -- schema operations" to the allow list of the API (Console → API → Allow List)',
    )
  })

  test.each([
    ["field 'articles' not found in type: 'query_root'", '$.selectionSet.articles', 'operation-refused'],
    ["no such type exists in the schema: 'articles_bool_exp'", '$', 'operation-refused'],
    ['no mutations exist', '$', 'operation-refused'],
    ['query is not allowed', '$', 'operation-refused'],
    ["'articles' has no argument named 'where'", '$.selectionSet.articles', 'operation-refused'],
    [
      "variable 'where' is declared as 'articles_bool_exp', but used where 'Articles_bool_exp' is expected",
      '$.selectionSet.articles.args.where',
      'operation-refused',
    ],
    [
      "variable 'id' is declared as '[Int!]!', but used where '[bigint!]' is expected",
      '$.selectionSet.articles.args.where.id._in',
      'operation-refused',
    ],
    ["missing selection set for 'owner'", '$.selectionSet.articles.selectionSet.owner', 'operation-refused'],
    // Another payload may be accepted.
    ['invalid node id', '$.selectionSet.node', 'validation-failed'],
    ["field 'a' not found in type: 'b_input'", '$.selectionSet.c.args.objects[0].a', 'validation-failed'],
    ['expecting a value for non-nullable variable: "id"', '$.variableValues', 'validation-failed'],
  ])('an operation that is refused whatever its variables are has a code of its own: %s', (message, path, code) => {
    const answer = response(refusal('validation-failed', message, path))
    expect(errorOf(interpretResponse(answer, 'query', 'viewer')).code).toBe(code)
  })

  test('a number that the type Int can’t hold is told to be a cause of parse-failed', () => {
    const error = errorOf(interpretResponse(response(refusal('parse-failed')), 'query', 'viewer'))
    expect(error.message).toMatch(/type Int accepts no number above 2147483647$/)
  })

  test('a claim of the token is told to be a cause of data-exception', () => {
    const answer = response(refusal('data-exception', 'invalid input syntax for type uuid: ""', '$'))
    expect(errorOf(interpretResponse(answer, 'query', 'viewer')).message).toMatch(/or a session variable of the token/)
  })

  test.each([
    "webhook response: the key 'message' was not present",
    'webhook response: key "message" not found',
    'webhook response: parsing Object failed, expected Object, but encountered Array',
    "the key 'message' was not present",
  ])('parse-failed is about the answer of an action’s handler: %s', message => {
    const answer = response(refusal('parse-failed', message, '$'))
    const asQuery = errorOf(interpretResponse(answer, 'query', 'viewer'))
    expect(asQuery).toBeInstanceOf(TransientError)
    expect(asQuery.message).toMatch(/parse-failed at \$: let the action's handler answer each error as a JSON object/)
    expect(errorOf(interpretResponse(answer, 'mutation', 'viewer'))).toBeInstanceOf(UnknownOutcomeError)
  })

  test('a permanent one decides wherever it stands', () => {
    const errors = [...refusal('unexpected').errors, ...refusal('constraint-violation').errors]
    expect(errorOf(interpretResponse(response({ errors }), 'mutation', 'viewer')).code).toBe('constraint-violation')
  })

  test.each([
    ['invalid-jwt in the body', response(refusal('invalid-jwt', 'Could not verify JWT: JWTExpired')), /JWTExpired/],
    [
      'a hook’s refusal',
      response(refusal('access-denied', 'Authentication hook unauthorized this request', '$')),
      /^Authentication hook unauthorized this request$/,
    ],
    ['HTTP 401', response('<h1>canary', 401), /^HTTP 401$/],
    ['HTTP 401 with other JSON', response({ message: 'canary' }, 401), /^HTTP 401$/],
    [
      'HTTP 401 of a proxy with a password',
      response('', 401, { 'www-authenticate': 'Basic realm="x"' }),
      /^HTTP 401, Basic$/,
    ],
  ])('%s rejects the token', (_name, answer, reason) => {
    for (const kind of ['query', 'mutation'] as const) {
      const verdict = interpretResponse(answer, kind, 'viewer')
      expect(verdict.kind).toBe('token-rejected')
      expect(verdict.kind === 'token-rejected' && verdict.reason).toMatch(reason)
    }
  })

  test.each([
    [response('', 429, { 'retry-after': '7' }), 7_000],
    [response('', 429, { 'retry-after': 'Sun, 01 Nov 2026 12:00:30 GMT' }), 30_000],
    [response(refusal('rate-limit-exceeded', 'rate limit of 10 exceeded', '$')), 5_000],
    [response('<h1>maintenance', 503, { 'retry-after': '600' }), 600_000],
    [response('', 529, { 'retry-after': '0.5' }), 1_000],
    [response({ message: 'Out of call volume quota.' }, 403, { 'retry-after': '3600' }), 3_600_000],
  ])('a rate limit is a pause (%#)', (answer, retryAfterMs) => {
    expect(interpretResponse(answer, 'mutation', 'viewer', now)).toEqual({ kind: 'rate-limited', retryAfterMs })
  })
})

describe('an answer that is not GraphQL', () => {
  test.each<[number, unknown, RegExp, 'transient' | 'unknown' | 'permanent']>([
    [200, '<h1>canary', /HTTP 200 with a body that is not JSON \(text\/html\).*check HASURA_URL/, 'unknown'],
    [200, '{"data":{"articles":[{"id', /not JSON/, 'unknown'],
    [200, { hello: 'canary' }, /JSON that is not a GraphQL response/, 'unknown'],
    [500, 'canary', /HTTP 500/, 'unknown'],
    [502, { data: { a: 1 } }, /HTTP 502/, 'unknown'],
    [503, '', /HTTP 503/, 'unknown'],
    [404, '<h1>canary', /HTTP 404.*HASURA_URL/, 'transient'],
    [405, '', /HTTP 405/, 'transient'],
    [301, '', /redirects \(HTTP 301\)/, 'transient'],
    [407, '<h1>canary', /refused on its way to Hasura \(HTTP 407\).*user and password of the proxy/, 'transient'],
    [411, '', /HTTP 411/, 'transient'],
    [421, '<h1>canary', /HTTP 421\).*which server answers/, 'transient'],
    [425, 'Too Early', /HTTP 425\).*early data/, 'transient'],
    [451, '<h1>canary', /HTTP 451/, 'transient'],
    [499, '', /HTTP 499/, 'unknown'],
    [413, '', /too large/, 'permanent'],
    [403, '<h1>canary', /^A firewall or proxy .*\(HTTP 403\): find the rule in its log/, 'permanent'],
    [403, { message: 'canary' }, /^A firewall or proxy .*\(HTTP 403\)/, 'permanent'],
    [403, refusal('out-of-stock'), /HTTP 403\) for role "viewer": check the role's permissions/, 'permanent'],
  ])('with status %d (%j) says so', (statusCode, body, sentence, asMutation) => {
    const query = errorOf(interpretResponse(response(body, statusCode), 'query', 'viewer'))
    const mutation = errorOf(interpretResponse(response(body, statusCode), 'mutation', 'viewer'))
    expect(query.message).toMatch(sentence)
    expect(mutation.message).toMatch(sentence)
    expect(query).toBeInstanceOf(asMutation === 'permanent' ? PermanentError : TransientError)
    const classes = { transient: TransientError, unknown: UnknownOutcomeError, permanent: PermanentError }
    expect(mutation).toBeInstanceOf(classes[asMutation])
    expect(query.message + mutation.message).not.toMatch(/canary/)
  })

  test('with JSON that was cut off is the fault of one request', () => {
    const cut = (kind: 'query' | 'mutation') => {
      const json = { 'content-type': 'application/json; charset=utf-8' }
      return errorOf(interpretResponse(response('{"data":{"articles":[{"id', 200, json), kind, 'viewer'))
    }
    expect(cut('query')).not.toBeInstanceOf(OutageError)
    expect(cut('query')).toMatchObject({ code: 'cut-off', remedy: expect.stringContaining('proxy_http_version') })
    expect(cut('mutation')).toBeInstanceOf(UnknownOutcomeError)
  })

  test.each([
    [404, { path: '$', error: 'resource does not exist', code: 'not-found' }],
    [404, { path: '$', error: 'Endpoint not found', code: 'not-found' }],
    [200, { errors: [{ message: 'resource does not exist', extensions: { path: '$', code: 'not-found' } }] }],
    [400, { path: '$', error: "the key 'type' was not present", code: 'parse-failed' }],
    [400, { path: '$', error: 'key "type" not present', code: 'parse-failed' }],
    [200, { errors: [{ message: 'key "type" not found', extensions: { path: '$', code: 'parse-failed' } }] }],
  ])("of another of Hasura's routes (%d %j) is about the address, and nothing was executed", (statusCode, body) => {
    for (const kind of ['query', 'mutation'] as const) {
      const error = errorOf(interpretResponse(response(body, statusCode), kind, 'viewer'))
      expect(error).toBeInstanceOf(OutageError)
      expect(error.message).toMatch(/path of HASURA_URL.*end HASURA_URL with \/v1\/graphql$/)
    }
  })

  test.each([
    ['key "type" not found', '$.variableValues.places[0].location'],
    ["the key 'type' was not present", '$.selectionSet.insert_places.args.objects[0].location'],
  ])('is not meant by a value that lacks a type, as a geometry may: %s at %s', (message, path) => {
    for (const kind of ['query', 'mutation'] as const) {
      const error = errorOf(interpretResponse(response(refusal('parse-failed', message, path)), kind, 'viewer'))
      expect(error).toBeInstanceOf(PermanentError)
      expect(error.code).toBe('parse-failed')
    }
  })
})

test.each([
  [200, true],
  [404, true],
  [500, false],
  [502, true],
  [503, true],
  [504, false],
])('HTTP %d without an answer of Hasura is an outage for everybody: %s', (statusCode, isOutage) => {
  const error = errorOf(interpretResponse(response('<h1>canary', statusCode), 'query', 'viewer'))
  expect(error instanceof OutageError).toBe(isOutage)
})

describe('a message', () => {
  test.each([
    ["field 'articles' not found in type: 'query_root'", '$.selectionSet.articles'],
    [
      "field 'title' not found in type: 'articles_insert_input'",
      '$.selectionSet.insert_articles.args.objects[0].title',
    ],
    ['no mutations exist', '$'],
    ["'articles' has no argument named 'where'", '$.selectionSet.articles'],
    ["variable 'a' is declared as 'Int!', but used where 'bigint!' is expected", '$.selectionSet.b.args.id'],
    ['Cannot query field "articles" on type "query_root". Did you mean "articles2"?', '$'],
  ])('about a missing field asks for schema or role: %s', (message, path) => {
    const error = errorOf(interpretResponse(response(refusal('validation-failed', message, path)), 'query', 'viewer'))
    expect(error.message).toContain(message)
    expect(error.message).toMatch(/the schema changed, or role "viewer" may not see it$/)
  })

  test.each([
    [{ code: 'GRAPHQL_VALIDATION_FAILED' }, 'Cannot query field "a" on type "Query". Did you mean "b" or "c"?'],
    [undefined, 'Cannot query field "a" on type "query_root".'],
  ])('about a field that a gateway or a remote schema lacks (%j) asks for the same: %s', (extensions, message) => {
    const answer = response({ errors: [{ message, extensions, locations: [{ line: 1, column: 1 }] }] }, 400)
    const asQuery = errorOf(interpretResponse(answer, 'query', 'viewer'))
    expect(asQuery).toMatchObject({ code: 'operation-refused', message: expect.stringContaining(message) })
    expect(asQuery.message).toMatch(/the schema changed, or role "viewer" may not see it$/)
    expect(errorOf(interpretResponse(answer, 'mutation', 'viewer'))).toBeInstanceOf(UnknownOutcomeError)
  })

  test.each([
    'Your requested role is not in allowed roles',
    'Your current role is not in allowed roles',
    'invalid "x-hasura-admin-secret"/"x-hasura-access-key"',
    'restricted access : admin only',
    'received origin header does not match configured CORS domains',
  ])("repeats Hasura's words about roles and headers: %s", message => {
    const error = errorOf(interpretResponse(response(refusal('access-denied', message, '$')), 'query', 'viewer'))
    expect(error).toMatchObject({ code: 'access-denied', message: expect.stringContaining(message) })
  })

  test.each([
    ['validation-failed', "expected one of the values ['a'], but found 'canary'", '$.selectionSet.a.args.where'],
    ['validation-failed', 'canary', '$.variableValues.x'],
    ['validation-failed', 'Invalid email id "canary"', '$'],
    ['access-denied', 'canary may not order', '$'],
    ['access-denied', 'Only an admin may approve the order of canary', '$'],
    ['access-denied', 'user canary has no role in team 5', '$'],
    ['validation-failed', 'no such customer: canary', '$'],
    ['validation-failed', "field 'x' not found in type: 'y', canary", '$.selectionSet.a.args'],
    ['parse-failed', 'canary', '$'],
    ['constraint-violation', 'Uniqueness violation. canary', '$'],
    ['data-exception', 'invalid input syntax for type uuid: "canary"', '$'],
    ['postgres-error', 'canary', '$'],
    ['unexpected', 'canary', '$'],
    ['unexpected', 'Cannot query field "a" on type "b". canary', '$'],
    ['out-of-stock', 'canary', '$'],
    ['not-found', 'missing session variable: "canary"', '$'],
    ['access-denied', 'token eyJjYW5hcnkiOiJjYW5hcnkifQ.eyJjYW5hcnkiOiJjYW5hcnkifQ.x is bad', '$'],
    ['can ary\n', 'canary', 'can ary'],
  ])('never holds a value: %s, %s', (code, message, path) => {
    for (const kind of ['query', 'mutation'] as const) {
      const { message: told } = errorOf(interpretResponse(response(refusal(code, message, path)), kind, 'viewer'))
      expect(told).not.toMatch(/can ?ary|eyJ/)
    }
  })
})

test('whatever comes, there is a verdict, and nothing of the data in its message', () => {
  const code = fc.constantFrom('unexpected', 'validation-failed', 'invalid-jwt', 'x', undefined)
  const path = fc.oneof(fc.constant('$.selectionSet.a.args.b'), fc.jsonValue())
  const error = fc.oneof(
    fc.jsonValue(),
    fc.record({ message: fc.constant('canary'), extensions: fc.record({ code, path }) }),
  )
  const graphql = fc.record(
    { data: fc.jsonValue(), errors: fc.oneof(fc.jsonValue(), fc.array(error)) },
    { requiredKeys: [] },
  )
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    graphql.map(value => JSON.stringify(value)),
  )
  const statusCode = fc.oneof(fc.constant(200), fc.integer({ min: 200, max: 599 }))
  fc.assert(
    fc.property(body, statusCode, fc.constantFrom('query', 'mutation'), (text, code, kind) => {
      const verdict = interpretResponse(response(text, code), kind, 'viewer', now)
      if (verdict.kind !== 'error') return
      expect(verdict.error).toBeInstanceOf(WorkerError)
      expect(verdict.error.message).toMatch(/^.{30}/)
      expect(verdict.error.message).not.toMatch(/canary/)
      if (kind === 'mutation' && code >= 500) expect(verdict.error).toBeInstanceOf(PermanentError)
    }),
  )
})
