import type { InjectOptions } from 'fastify'
import { describe, expect } from 'vitest'
import { createControl } from '../../src/http/create-control.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { sayProblem } from '../fixtures/say-problem.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })
  .extend('doors', { scope: 'file' }, async ({ apps, closing, http }) => {
    const { operations, logged } = await apps('embedded')
    return { http, control: closing.use(createControl({ operations, log: logged.log })) }
  })

type Ask = Pick<InjectOptions, 'url' | 'body' | 'headers'> & { method?: 'GET' | 'POST' }

const post = (url: string, body: string): Ask => ({
  method: 'POST',
  url,
  body,
  headers: { 'content-type': 'application/json' },
})

const nul = '\\u0000'
const half = '\\ud83d'
const inBody = /(which can't be stored: remove or encode it$)|(contains a NUL character or an unpaired surrogate)/

describe.each<[string, readonly ('http' | 'control')[], Ask[]]>([
  ['an id', ['http', 'control'], [{ url: '/requests/a%00b' }]],
  ['the name of a job', ['http', 'control'], [post('/jobs/a%00b/requests', '{}')]],
  [
    'the name of an account',
    ['http', 'control'],
    [nul, half].map(bad => post('/jobs/take-anything/requests', `{"account":"${bad}"}`)),
  ],
  [
    'a payload',
    ['http', 'control'],
    [nul, half, `${half}${half}`, `\\ude00${half}`].flatMap(bad => [
      post('/jobs/take-anything/requests', `{"payload":"${bad}"}`),
      post('/jobs/take-anything/requests', `{"payload":{"${bad}":[]}}`),
      post('/jobs/take-anything/requests', `{"payload":[{"a":["x",{"b":"${bad}"}]}]}`),
    ]),
  ],
  [
    'what the control socket is asked',
    ['control'],
    [
      ...['/requests?job=', '/requests?account=', '/runs?job=', '/rows?table=', '/rows?table=users&account='].map(
        start => ({ url: `${start}a%00` }),
      ),
      post('/requests/a%00/cancel', '{}'),
      post('/requests/a%00/retry', '{}'),
      post('/requests/find', `{"states":["done"],"repeatable":false,"job":"${half}"}`),
      post('/requests/find', `{"states":["done"],"repeatable":false,"account":"${nul}"}`),
      post('/jobs/a%00/reset', '{"account":"default"}'),
      post('/jobs/take-anything/reset', `{"account":"${nul}"}`),
      post('/jobs/a%00/schedule', '{"paused":true}'),
      post('/jobs/take-anything/schedule', `{"paused":true,"account":"${half}"}`),
      post('/accounts/a%00/forget', '{"configured":false}'),
      post('/jobs/a%00/runs', '{}'),
      post('/jobs/take-anything/runs', `{"payload":{"a":"${nul}"}}`),
      post('/jobs/take-anything/runs', `{"account":"${nul}"}`),
    ],
  ],
])('a NUL or half a surrogate pair in %s', (_what, which, asks) => {
  test.for(which.flatMap(door => asks.map(ask => [door, ask.method ?? 'GET', ask.url, ask.body ?? '', ask] as const)))(
    'is refused with a message: %s %s %s %s',
    async ([door, _method, _url, _body, ask], { doors }) => {
      const answer = await doors[door].inject(ask)
      expect(sayProblem(answer.json())).toEqual({ code: 'usage', message: expect.stringMatching(inBody) })
      expect(answer.statusCode).toBe(400)
    },
  )
})

describe('a payload that would be stored as another', () => {
  test.for([
    ['{"payload":{"n":1e400}}', /^The number at character 17 can't be stored exactly: give it as a text/],
    ['{"payload":{"id":9007199254740993}}', /^The number at character 18 can't be stored/],
    ['{"payload":{"a":1,"a":2}}', /^The name at character 19 appears twice in its object/],
    ['{"payload":{"__proto__":{"isAdmin":true}}}', /^The name at character 13 is reserved/],
    [`{"payload":${'['.repeat(40)}${']'.repeat(40)}}`, /^The JSON is nested more than 32 levels deep/],
    ['{"payload":"\xff\xfe"}', /^The body is not UTF-8$/],
  ] as const)('is refused with a message: %s', async ([body, sentence], { doors }) => {
    for (const door of Object.values(doors)) {
      const ask = post('/jobs/take-anything/requests', '')
      const answer = await door.inject({ ...ask, body: Buffer.from(body, 'latin1') })
      expect(sayProblem(answer.json())).toEqual({ code: 'usage', message: expect.stringMatching(sentence) })
      expect(answer.statusCode).toBe(400)
    }
  })

  test('is accepted if it only looks odd', async ({ app, doors }) => {
    const payload = { constructor: 1, toString: 'x', '': null, 'a\u0001b': '😀\u{10ffff}', n: -1.5e308 }
    const made = await doors.http.inject(post('/jobs/take-anything/requests', JSON.stringify({ payload })))
    expect(made.statusCode).toBe(202)
    const stored = await app.deps.store.selectFrom('worker.requests').select('payload').executeTakeFirstOrThrow()
    expect(stored.payload).toEqual(payload)
  })
})
