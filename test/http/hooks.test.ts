import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { tableEvents } from '../../src/definitions/table-events.ts'
import { TransientError } from '../../src/errors.ts'
import { off } from '../../src/http/authorize.ts'
import { createFastify, httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { addHookRoutes } from '../../src/http/hook-routes.ts'
import { createHookSecret } from '../../src/http/hook-secret.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'
import { cronEvent, hasuraEvent } from './hasura-events.ts'

const secret = 'a-secret-of-32-characters-or-more'
const articles = { name: 'sync-articles', document: pullArticlesDocument, role: 'viewer', key: 'id' } as const
const jobs = [
  pullSync({ ...articles, cursor: 'updated_at', into: 'articles', on: { table: 'articles' } }),
  defineJob({
    name: 'count-articles',
    payload: z.strictObject({ since: z.string().optional() }),
    on: tableEvents(pullArticlesDocument, { table: 'articles', operations: ['DELETE'] }),
    run: async () => ({}),
  }),
]

const knowsHookSecret = createHookSecret(
  { current: { value: secret } },
  {
    readSecretFile: () => Promise.reject(new Error('none')),
    clock: new ManualClock(),
    log: captureLog().log,
  },
)

interface Sent {
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly base?: string
}

const test = httpTest
  .extend(
    'appOptions',
    { scope: 'file' },
    {
      jobs,
      firstLogin: null,
      clients: [{ clientId: 'north' }, { clientId: 'south' }],
    },
  )
  .extend('httpOptions', { scope: 'file' }, { authorize: off, knowsHookSecret })
  .extend('emptied', { auto: true }, async ({ app: { deps } }) => {
    await sql`delete from worker.idempotency_keys`.execute(deps.store)
    await sql`delete from worker.requests`.execute(deps.store)
  })
  .extend(
    'send',
    { scope: 'file' },
    ({ url }) =>
      async (body: unknown, { path = '/hooks/hasura/events', base = url, headers }: Sent = {}) => {
        const response = await fetch(`${base}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'x-hook-secret': secret, ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        })
        const answer = z.looseObject({ requests: z.array(z.looseObject({ id: z.string() })).optional() })
        return { status: response.status, headers: response.headers, body: answer.parse(await response.json()) }
      },
  )
  .extend(
    'cron',
    { scope: 'file' },
    ({ send }) =>
      (body: unknown, query = '') =>
        send(body, { path: `/hooks/hasura/cron${query}` }),
  )

async function waiting(app: TestApp) {
  return app.deps.store
    .selectFrom('worker.requests')
    .select(['account', 'job', 'payload', 'trigger', 'caller'])
    .where('state', '=', 'waiting')
    .orderBy('account')
    .orderBy('job')
    .execute()
}

const id = 'b0000000-0000-4000-8000-000000000001'
const other = 'b0000000-0000-4000-8000-000000000002'

describe('an event', () => {
  test('asks for the jobs that the table and the operation concern, for every account that runs them', async ({
    app,
    send,
  }) => {
    const inserted = await send(hasuraEvent({ new: { id } }))
    expect(inserted.status).toBe(202)
    const made = { job: 'sync-articles', payload: {}, trigger: 'hook', caller: 'hasura:articles_changed' }
    expect(await waiting(app)).toEqual([
      { account: 'north', ...made },
      { account: 'south', ...made },
    ])
    const { body } = await send(hasuraEvent({ op: 'DELETE', old: { id } }))
    expect(body.requests).toHaveLength(4)
  })

  test('asks for one account where the address of the hook names it', async ({ app, send }) => {
    await send(hasuraEvent({ new: { id } }), { path: '/hooks/hasura/events?account=south' })
    expect(await waiting(app)).toMatchObject([{ account: 'south' }])
    const unknown = await send(hasuraEvent(), { path: '/hooks/hasura/events?account=west' })
    expect(unknown).toMatchObject({ status: 404 })
  })

  test.for([
    ['a new row', 'INSERT', null, { id }, {}],
    ['a changed row', 'UPDATE', { id, title: 'a' }, { id, title: 'b' }, {}],
    ['a row that has another key', 'UPDATE', { id }, { id: other }, { keys: [[id], [other]] }],
    ['a row that is gone', 'DELETE', { id, title: 'a' }, null, { keys: [[id]] }],
    ['a row that is gone, without its key', 'DELETE', { title: 'a' }, null, { sweep: true }],
    ['a row that somebody sent by hand', 'MANUAL', null, { id }, { keys: [[id]] }],
    ['a row that somebody sent by hand, without its key', 'MANUAL', null, { title: 'a' }, { sweep: true }],
  ] as const)('of %s asks for what finds it', async ([_what, op, old, row, payload], { app, send }) => {
    await send(hasuraEvent({ op, old, new: row }), { path: '/hooks/hasura/events?account=north' })
    expect(await waiting(app)).toContainEqual(expect.objectContaining({ job: 'sync-articles', payload }))
  })

  test.for([
    ['no job has heard of', { schema: 'public', name: 'invoices' }],
    ['is in another schema', { schema: 'archive', name: 'articles' }],
    ['is hostile', { schema: 'public', name: `articles"; drop table worker.requests; --` }],
    ['is inherited from everything', { schema: '__proto__', name: 'constructor' }],
  ] as const)('of a table that %s is delivered, and asks for nothing', async ([_what, table], { app, send }) => {
    expect(await send(hasuraEvent({ table, new: { id } }))).toMatchObject({ status: 200, body: { requests: [] } })
    expect(await waiting(app)).toEqual([])
  })

  test('that comes again makes no request again, also when the first has ended', async ({ app, send }) => {
    const event = hasuraEvent({ op: 'DELETE', old: { id } })
    const first = await send(event)
    await app.deps.store.updateTable('worker.requests').set({ state: 'done' }).execute()
    const again = await Promise.all([
      send(event),
      send({ ...event, delivery_info: { current_retry: 1, max_retries: 5 } }),
    ])
    const ids = (answer: typeof first) => answer.body.requests?.map(request => request.id)
    expect(again.map(ids)).toEqual([ids(first), ids(first)])
    expect(await waiting(app)).toEqual([])
  })

  test('is known by its id for each account and job, whatever the order they come in', async ({ app, send }) => {
    const events = [{ new: { id } }, { op: 'UPDATE', old: { id }, new: { id } }, { op: 'DELETE', old: { id } }]
    for (const event of events.toReversed())
      await send(hasuraEvent(event), { path: '/hooks/hasura/events?account=north' })
    expect(await waiting(app)).toMatchObject(
      [
        { job: 'count-articles', payload: {} },
        { job: 'sync-articles', payload: { keys: [[id]] } },
        { job: 'sync-articles', payload: {} },
      ].toSorted((a, b) => a.job.localeCompare(b.job)),
    )
  })

  test('keeps all digits of a key', async ({ app, send }) => {
    const body = JSON.stringify(hasuraEvent({ op: 'DELETE', old: { id: 'N' } })).replace('"N"', '9007199254740993')
    await send(body, { path: '/hooks/hasura/events?account=north' })
    expect(await waiting(app)).toContainEqual(expect.objectContaining({ payload: { keys: [['9007199254740993']] } }))
  })

  test('that is compressed is refused as such', async ({ send }) => {
    const { status, headers, body } = await send(hasuraEvent(), { headers: { 'content-encoding': 'gzip' } })
    expect([status, headers.get('accept-encoding')]).toEqual([415, 'identity'])
    expect(body).toMatchObject({ remedy: 'send it uncompressed, without this header' })
  })

  test('may tell of a row that a request may not hold', async ({ send }) => {
    const row = `{"id":"${id}","n":1e400,"n":12345678901234567890,"t":"\\u0000","deep":${'['.repeat(500)}${']'.repeat(500)},
      "__proto__":{"op":"x"},"text":"${'x'.repeat(1_000_000)}"}`
    const body = JSON.stringify(hasuraEvent({ new: { id: 'ROW' } })).replace('{"id":"ROW"}', row)
    expect(await send(body)).toMatchObject({ status: 202 })
  })
})

test('a flood of events comes to a bounded number of requests, and what they tell of is covered', async ({
  app,
  send,
}) => {
  const events = Array.from({ length: 100 }, (_, at) =>
    hasuraEvent({ op: at % 2 ? 'DELETE' : 'INSERT', [at % 2 ? 'old' : 'new']: { id: randomUUID() } }),
  )
  const answers = await Promise.all(events.map(event => send(event, { path: '/hooks/hasura/events?account=north' })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
  const made = (await waiting(app)).filter(({ job }) => job === 'sync-articles')
  expect(made.length).toBeLessThanOrEqual(22)
  expect(made.map(({ payload }) => payload)).toContainEqual({ sweep: true })
  expect(made.map(({ payload }) => payload)).toContainEqual({})
})

describe('who may send', () => {
  test.for([
    ['no secret', undefined],
    ['another secret', 'a-secret-of-32-characters-or-less'],
    ['a beginning of it', secret.slice(0, -1)],
    ['it twice', `${secret}, ${secret}`],
    ['nothing', ''],
  ] as const)('not who shows %s', async ([_what, shown], { app, url }) => {
    const headers = { 'content-type': 'application/json', ...(shown !== undefined && { 'x-hook-secret': shown }) }
    const body = JSON.stringify(hasuraEvent())
    for (const path of ['/hooks/hasura/events', '/hooks/hasura/cron']) {
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body })
      expect(response.status).toBe(401)
      expect(await response.text()).not.toContain(secret)
    }
    expect(await waiting(app)).toEqual([])
  })

  test('nobody where there is no secret', async ({ app, send }) => {
    await using none = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
    const base = await none.listen({ host: '127.0.0.1', port: 0 })
    expect(await send(hasuraEvent(), { base })).toMatchObject({
      status: 403,
      body: { remedy: expect.stringContaining('HOOK_SECRET_FILE') },
    })
  })

  test('two secrets count while one is replaced, from files that are read again', async () => {
    const files: Record<string, string> = { '/new': 'the-new-secret-of-hooks\n', '/old': 'the-old-secret-of-hooks' }
    const clock = new ManualClock()
    const logged = captureLog()
    const readSecretFile = async (path: string) => files[path] ?? Promise.reject(new Error('ENOENT'))
    const knows = createHookSecret(
      { current: { file: '/new' }, previous: { file: '/old' } },
      { readSecretFile, clock, log: logged.log },
    )
    expect(await Promise.all(['the-new-secret-of-hooks', 'the-old-secret-of-hooks', 'x'].map(knows))).toEqual([
      true,
      true,
      false,
    ])
    files['/old'] = 'another-secret-of-hooks'
    await clock.advance(1_000)
    expect(await Promise.all(['the-old-secret-of-hooks', 'another-secret-of-hooks'].map(knows))).toEqual([false, true])
    files['/old'] = 'short'
    await clock.advance(1_000)
    await expect(knows('short')).rejects.toThrow(/fewer than 16 characters/)
    delete files['/old']
    await clock.advance(1_000)
    await expect(knows('another-secret-of-hooks')).rejects.toThrow(/can't be read/)
    expect(logged.lines.filter(line => String(line.msg).includes('are refused'))).toHaveLength(1)
  })

  test('nobody where the secret itself is set in place of its file, and no message has it', async () => {
    const logged = captureLog()
    const readSecretFile = (path: string) => readFile(path, 'utf8')
    const secrets = { current: { file: 'canary-of-more-than-16-characters' } }
    const knows = createHookSecret(secrets, { readSecretFile, clock: new ManualClock(), log: logged.log })
    await expect(knows(secrets.current.file)).rejects.toThrow('no file has the name that is set for it (ENOENT)')
    expect(JSON.stringify(logged.lines)).toContain('no file has the name')
    expect(JSON.stringify(logged.lines)).not.toContain('canary')
  })
})

test.for([
  ['no JSON', '{"id":'],
  ['no object', '[]'],
  ['nothing', ''],
  ['too deep', '['.repeat(200_000)],
  ['an event without an id', JSON.stringify({ ...hasuraEvent(), id: undefined })],
  ['an id that is an object', JSON.stringify({ ...hasuraEvent(), id: { $gt: '' } })],
  ['an id that cannot be stored', JSON.stringify(hasuraEvent({ id: 'a\u0000b' }))],
  ['an id without an end', JSON.stringify(hasuraEvent({ id: 'x'.repeat(1_000) }))],
  ['an operation that nobody knows', JSON.stringify(hasuraEvent({ op: 'TRUNCATE' }))],
  ['rows that are lists', JSON.stringify(hasuraEvent({ new: [1, 2] }))],
  ['what another system sends', JSON.stringify({ type: 'INSERT', table: 'articles', record: {} })],
] as const)('%s is refused with 400', async ([_what, body], { app, send }) => {
  expect(await send(body)).toMatchObject({ status: 400, body: { code: 'usage' } })
  expect(await waiting(app)).toEqual([])
})

describe('503 says when to come again', () => {
  // Hasura reads seconds alone, and no date.
  const seconds = /^[1-9]\d*$/

  test.for([
    ['/hooks/hasura/events', hasuraEvent()],
    ['/hooks/hasura/cron', cronEvent()],
  ] as const)('while the store is away: %s', async ([path, body], { app, send }) => {
    const away = async () => {
      throw new TransientError('store', { found: 'Postgres refuses connections', remedy: 'start it' })
    }
    const operations = { ...app.operations, receiveEvent: away, receiveCron: away }
    await using down = createHttp({ operations, authorize: off, knowsHookSecret, log: app.logged.log })
    const base = await down.listen({ host: '127.0.0.1', port: 0 })
    const { status, headers } = await send(body, { base, path })
    expect({ status, retryAfter: headers.get('retry-after') }).toEqual({
      status: 503,
      retryAfter: expect.stringMatching(seconds),
    })
  })

  test('while the store says nothing', async ({ app, send }) => {
    const clock = new ManualClock()
    const asked = Promise.withResolvers<void>()
    const silent = () => {
      asked.resolve()
      return new Promise<never>(() => {})
    }
    await using http = createFastify(app.logged.log, httpLimits)
    const operations = { receiveEvent: silent, receiveCron: silent }
    addHookRoutes(http, { operations, knowsSecret: async () => true, log: app.logged.log, limits: httpLimits, clock })
    const answer = send(hasuraEvent(), { base: await http.listen({ host: '127.0.0.1', port: 0 }) })
    await asked.promise
    await clock.advance(10_000)
    expect(await answer).toMatchObject({ status: 503, body: { detail: expect.stringContaining('within 10 s') } })
  })
})

describe('a cron trigger', () => {
  test('asks for the job that is called as it is, with its payload', async ({ app, cron }) => {
    expect(await cron(cronEvent({ name: 'count-articles', payload: { since: '2026-01-01' } }))).toMatchObject({
      status: 202,
    })
    const made = {
      job: 'count-articles',
      payload: { since: '2026-01-01' },
      trigger: 'hook',
      caller: 'hasura:count-articles',
    }
    expect(await waiting(app)).toEqual([
      { account: 'north', ...made },
      { account: 'south', ...made },
    ])
  })

  test.for([
    [{ job: 'sync-articles', payload: { full: true } }, '?account=south', 'south', { full: true }],
    [{ job: 'sync-articles', account: 'north' }, '?account=south', 'north', {}],
  ] as const)('asks for what its payload names: %j', async ([payload, query, account, expected], { app, cron }) => {
    await cron(cronEvent({ payload }), query)
    await cron(cronEvent({ name: null, payload }), query)
    expect(await waiting(app)).toMatchObject([{ account, job: 'sync-articles', payload: expected }])
  })

  test('needs no payload', async ({ cron }) => {
    expect(await cron({ ...cronEvent({ name: 'count-articles' }), payload: undefined })).toMatchObject({ status: 202 })
    expect(await cron(hasuraEvent())).toMatchObject({
      status: 400,
      body: { detail: 'The scheduled event names no job' },
    })
  })

  test('that comes again makes no request again', async ({ cron }) => {
    const event = cronEvent({ payload: { job: 'count-articles', account: 'north' } })
    const [first, again] = [await cron(event), await cron(event)]
    expect(again.body.requests?.[0]?.id).toBe(first.body.requests?.[0]?.id)
  })

  test.for([
    ['a job that there is not', { payload: { job: 'sync-invoices' } }, 404],
    ['a name that no job has', { name: 'nightly' }, 404],
    ['an account that there is not', { payload: { job: 'sync-articles', account: 'west' } }, 404],
    ['no job at all', { name: null }, 400],
    ['a payload that the job refuses', { payload: { job: 'sync-articles', payload: { all: true } } }, 400],
    ['what it has no word for', { payload: { job: 'sync-articles', when: 'now' } }, 400],
    ['a job that is an object', { payload: { job: {} } }, 400],
  ] as const)('that names %s is refused', async ([_what, event, status], { app, cron }) => {
    expect(await cron(cronEvent(event))).toMatchObject({ status })
    expect(await waiting(app)).toEqual([])
  })
})
