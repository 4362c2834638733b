import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createHttp } from '../../src/http/create-http.ts'
import { readKey } from '../../src/http/read-key.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { appTest } from '../fixtures/app-test.ts'
import { letIn, letInAs } from '../fixtures/let-in.ts'
import { backends } from '../fixtures/open-test-app.ts'
import { sayProblem } from '../fixtures/say-problem.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const caller = 'http:some-client/somebody'
const line = { account: 'default', job: 'take-anything' }

const replicaTest = appTest
  .extend('backend', 'postgres')
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')], firstLogin: null })
  .extend('peer', { scope: 'file' }, async ({ apps, closing }) =>
    closing.use(await (await apps('postgres')).openPeer()),
  )
  .extend('doors', { scope: 'file' }, async ({ apps, closing, peer }) => {
    const app = await apps('postgres')
    const { log } = app.logged
    return [app, peer].map(({ operations }) => closing.use(createHttp({ operations, log, authorize: letIn })))
  })
  .extend('other', { scope: 'file' }, async ({ apps, closing, peer: { operations } }) => {
    const { log } = (await apps('postgres')).logged
    return closing.use(createHttp({ operations, log, authorize: letInAs(['request'], 'other-client') }))
  })

describe.runIf(backends.includes('postgres'))('an idempotency key over two replicas', () => {
  async function ask(door: FastifyInstance | undefined, key: string, payload: unknown) {
    const answer = await door?.inject({
      method: 'POST',
      url: '/jobs/take-anything/requests',
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify({ payload }),
    })
    return { status: answer?.statusCode, headers: answer?.headers ?? {}, body: answer?.json() }
  }

  replicaTest.for([
    ['nothing waits', 'alone', { alone: 1 }, false],
    ['an equal request absorbs it', 'absorbed', { equal: 1 }, true],
  ] as const)(
    'has the same answer on either when %s, also after the request has ended',
    async ([_what, key, payload, absorbed], { app, doors }) => {
      const asked = { ...line, payload, trigger: 'cli', caller: 'test' } as const
      if (absorbed) await acceptRequest(app.deps.store, asked)
      const [first, again] = [await ask(doors[0], key, payload), await ask(doors[1], `"${key}"`, payload)]
      expect(first).toMatchObject({ status: 202, body: { absorbed } })
      await app.operations.cancelRequest({ id: first.body.id })
      for (const repeated of [again, await ask(doors[0], key, payload), await ask(doors[1], key, payload)]) {
        expect(repeated).toMatchObject({ status: 202, body: first.body, headers: { location: first.headers.location } })
      }
    },
  )

  replicaTest(
    'is refused with another payload by either, and is another key of another caller',
    async ({ doors, other }) => {
      const first = await ask(doors[0], 'conflict', { n: 1 })
      for (const door of doors) {
        const { status, body } = await ask(door, 'conflict', { n: 2 })
        expect({ status, ...sayProblem(body) }).toEqual({
          status: 422,
          code: 'conflict',
          message: expect.stringMatching(/^Idempotency key "conflict" was used/),
        })
      }
      const others = await ask(other, 'conflict', { n: 2 })
      expect(others).toMatchObject({ status: 202, body: { absorbed: false } })
      expect(others.body.id).not.toBe(first.body.id)
    },
  )

  replicaTest(
    'whose first request is still being accepted is told to come again, and then has that one’s answer',
    async ({ app, doors, other }) => {
      const payload = { slow: true }
      const id = crypto.randomUUID()
      await app.deps.store.transaction().execute(async tx => {
        await sql`select worker.accept(${id}, ${line.account}, ${line.job}, ${JSON.stringify(payload)}::jsonb, 'http', 'normal',
        ${caller}, 'slow', null, null, false)`.execute(tx)
        const { status, headers, body } = await ask(doors[1], 'slow', payload)
        expect({ status, retryAfter: headers['retry-after'], code: body.code }).toEqual({
          status: 409,
          retryAfter: '1',
          code: 'in-progress',
        })
        // Nobody else's key waits for it.
        expect((await ask(other, 'slow', { slow: 'other' })).status).toBe(202)
      })
      expect(await ask(doors[1], 'slow', payload)).toMatchObject({ status: 202, body: { id, absorbed: false } })
    },
  )

  replicaTest('makes one request, however many ask on both at once', async ({ app, doors }) => {
    const all = await Promise.all(Array.from({ length: 24 }, (_, n) => ask(doors[n % 2], 'at-once', { at: 'once' })))
    const accepted = all.filter(({ status }) => status === 202)
    expect(all.filter(({ status }) => status === 409)).toHaveLength(all.length - accepted.length)
    expect(new Set(accepted.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    const { rows } = await sql`select from worker.requests where payload = '{"at":"once"}'`.execute(app.deps.store)
    expect(rows).toHaveLength(1)
  })
})

test.each([
  [undefined, undefined],
  ['order-1', 'order-1'],
  ['"order-1"', 'order-1'],
  ['"a \\"b\\" \\\\"', 'a "b" \\'],
  ['"order-1"; a=1', 'order-1'],
  ['', ''],
])('the header %j is the key %j', (header, key) => {
  expect(readKey(header)).toBe(key)
})

test.each(['"', '"a', '"a" b', '"a", "b"', '"größe"', '"a\\n"'])('the header %j is refused', header => {
  expect(() => readKey(header)).toThrow(/not a string of RFC 9651/)
})
