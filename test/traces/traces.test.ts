import { randomBytes } from 'node:crypto'
import { SpanStatusCode, trace } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { z } from 'zod'
import { jobs as wikiJobs } from '../../examples/wiki/src/jobs/list.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { createHttp } from '../../src/http/create-http.ts'
import type { TraceHeaders } from '../../src/observer/trace-headers.ts'
import { appTest } from '../fixtures/app-test.ts'
import { letIn } from '../fixtures/let-in.ts'
import { type Backend, backends, type TestApp, type TestProcess } from '../fixtures/open-test-app.ts'
import { captureSpans } from './capture-spans.ts'

const account = 'default'
const payload = z.strictObject({ note: z.string().default('') })

let failures = 0
const failOnce = defineJob({
  name: 'fail-once',
  payload,
  async run(_session, { payload: { note } }) {
    failures += 1
    if (failures === 1) throw new Error(`a canary in an error: ${note}`)
    return {}
  },
})
const askForOther = defineJob({
  name: 'ask-for-other',
  payload,
  async run(_session, context) {
    return context.request(other, { note: 'by a run' }).then(() => ({}))
  },
})
const other = defineJob({ name: 'other', payload, run: async () => ({}) })
const jobs = [...wikiJobs.filter(({ name }) => name === 'sync-topics'), failOnce, askForOther, other]

const test = appTest
  .extend('backend', (): Backend => backends.at(-1) ?? 'embedded')
  .extend('spans', { scope: 'file' }, ({ closing }) => closing.use(captureSpans()))
  .extend('appOptions', { scope: 'file' }, ({ spans }) => ({ jobs, observers: [spans.observer] }))
  .extend('url', async ({ app: { operations, logged } }, { onCleanup }) => {
    const http = createHttp({ operations, authorize: letIn, log: logged.log })
    onCleanup(() => http.close())
    return http.listen({ host: '127.0.0.1', port: 0 })
  })

/** A caller that is traced, as another service is. */
function newCaller() {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  const headers: TraceHeaders = { traceparent: `00-${traceId}-${spanId}-01`, tracestate: 'vendor=1' }
  return { traceId, spanId, headers }
}

async function ask(
  url: string,
  job: string,
  { headers }: { readonly headers: TraceHeaders },
  body: object = {},
): Promise<string> {
  const init = {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  }
  const response = await fetch(`${url}/jobs/${job}/requests`, init)
  expect(response.status).toBe(202)
  return z.object({ id: z.string() }).parse(await response.json()).id
}

/** In another process than the one that accepts requests: all that both share is the store and the queue. */
async function serveElsewhere(app: TestApp, opened: AsyncDisposableStack): Promise<TestProcess> {
  const peer = opened.use(await app.openPeer())
  await peer.serve()
  return peer
}

async function untilDone(app: TestApp, id: string): Promise<void> {
  await expect.poll(async () => (await app.operations.getRequest({ id })).state).toBe('done')
}

const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId
const millisecondsOf = (span: ReadableSpan | undefined) => {
  const [seconds, nanoseconds] = span?.startTime ?? [0, 0]
  return seconds * 1_000 + nanoseconds / 1e6
}
const named = (all: readonly ReadableSpan[], name: string) => all.filter(span => span.name === name)
const childrenOf = (all: readonly ReadableSpan[], parent: ReadableSpan | undefined) =>
  all.filter(span => span.parentSpanContext?.spanId === idOf(parent))

test('one trace leads from the caller through request, ticket, claim and run, over two processes, to pages and commits', async ({
  app,
  spans,
  url,
}) => {
  const caller = newCaller()
  const id = await ask(url, 'sync-topics', caller)
  await using opened = new AsyncDisposableStack()
  await serveElsewhere(app, opened)
  await untilDone(app, id)

  await expect.poll(() => named(spans.of(caller.traceId), 'run sync-topics')).toHaveLength(1)
  const all = spans.of(caller.traceId)
  const [request] = named(all, 'request sync-topics')
  expect(request?.parentSpanContext?.spanId).toBe(caller.spanId)
  expect(request?.spanContext().traceState?.get('vendor')).toBe('1')
  expect(request?.attributes).toMatchObject({
    'messaging.destination.name': 'sync-topics',
    'messaging.message.id': id,
    'hasura_sync.account': account,
    'hasura_sync.trigger': 'http',
  })
  const names = childrenOf(all, request).map(({ name }) => name)
  const ticket = app.backend === 'redis' ? ['send tickets'] : []
  expect(names.toSorted()).toEqual(['claim sync-topics', 'run sync-topics', ...ticket])

  const [run] = named(all, 'run sync-topics')
  expect(run?.attributes).toMatchObject({
    'messaging.message.id': id,
    'hasura_sync.attempt': 1,
    'hasura_sync.outcome': 'succeeded',
  })
  expect(run?.status.code).toBe(SpanStatusCode.UNSET)
  const inside = childrenOf(all, run)
  const pages = inside.filter(span => span.name.startsWith('query '))
  expect(pages.length).toBeGreaterThan(0)
  expect(named(inside, 'token')).toHaveLength(1)
  const commits = named(inside, 'commit')
  expect(commits.map(span => span.attributes['db.collection.name'])).toContain('mirror.topics')
  expect(run?.events).toContainEqual(
    expect.objectContaining({
      name: 'page written',
      attributes: expect.objectContaining({ 'db.collection.name': 'mirror.topics' }),
    }),
  )
  for (const span of all) expect(span.status.code).toBe(SpanStatusCode.UNSET)

  // Hasura continues it below the span of each exchange.
  const sent = app.hasura.requests.flatMap(({ traceparent = '' }) =>
    traceparent.includes(caller.traceId) ? traceparent : [],
  )
  const exchanges = inside.filter(span => span.attributes['hasura_sync.api'] === 'hasura')
  expect(sent.toSorted()).toEqual(exchanges.map(span => `00-${caller.traceId}-${idOf(span)}-01`).toSorted())
  expect(exchanges[0]?.attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'server.address': new URL(app.hasura.url).hostname,
  })
})

test('a request that is absorbed is linked to the trace of the one that absorbs it, and that run to it', async ({
  app,
  spans,
  url,
}) => {
  const [first, second] = [newCaller(), newCaller()]
  const id = await ask(url, 'other', first)
  expect(await ask(url, 'other', second)).toBe(id)
  await using opened = new AsyncDisposableStack()
  await serveElsewhere(app, opened)
  await untilDone(app, id)

  await expect.poll(() => named(spans.of(first.traceId), 'run other')).toHaveLength(1)
  const [absorbing] = named(spans.of(first.traceId), 'request other')
  const [absorbed] = named(spans.of(second.traceId), 'request other')
  expect(absorbed?.attributes).toMatchObject({ 'messaging.message.id': id, 'hasura_sync.absorbed': true })
  expect(absorbed?.links.map(({ context }) => context.spanId)).toEqual([idOf(absorbing)])
  const [run] = named(spans.of(first.traceId), 'run other')
  expect(run?.links.map(({ context }) => context.spanId)).toEqual([idOf(absorbed)])
  expect(named(spans.of(second.traceId), 'run other')).toEqual([])
})

test('a request made by SQL continues its caller’s trace, and so does its run', async ({ app, spans }) => {
  const caller = newCaller()
  const before = Date.now()
  const id = await app.deps.store.transaction().execute(async tx => {
    await sql`select set_config('worker.traceparent', ${caller.headers.traceparent}, true)`.execute(tx)
    const { rows } = await sql<{ id: string }>`select worker.request('other', ${account}) as id`.execute(tx)
    return rows[0]?.id ?? expect.fail('no request')
  })
  await using opened = new AsyncDisposableStack()
  await serveElsewhere(app, opened)
  await untilDone(app, id)
  await expect.poll(() => named(spans.of(caller.traceId), 'run other')).toHaveLength(1)
  const [request, ...more] = named(spans.of(caller.traceId), 'request other')
  expect(more).toEqual([])
  expect(request?.parentSpanContext?.spanId).toBe(caller.spanId)
  expect(request?.attributes).toMatchObject({ 'messaging.message.id': id, 'hasura_sync.trigger': 'sql' })
  const [run] = named(spans.of(caller.traceId), 'run other')
  expect(run?.parentSpanContext?.spanId).toBe(caller.spanId)
  const startedAt = millisecondsOf(request)
  expect(startedAt).toBeGreaterThanOrEqual(before)
  expect(startedAt).toBeLessThanOrEqual(millisecondsOf(run))
})

test('each attempt is a run of the same trace, one that failed says so, and none holds a payload or a message', async ({
  app,
  spans,
  url,
}) => {
  const caller = newCaller()
  const note = 'canary-of-a-payload'
  const id = await ask(url, 'fail-once', caller, { payload: { note } })
  await using opened = new AsyncDisposableStack()
  const peer = await serveElsewhere(app, opened)
  await expect.poll(() => failures).toBe(1)
  await expect.poll(async () => (await app.operations.getRequest({ id })).state).toBe('waiting')
  await peer.operations.makeRequest({ job: 'fail-once', account, payload: { note }, priority: 'high' })
  await untilDone(app, id)

  await expect.poll(() => named(spans.of(caller.traceId), 'run fail-once')).toHaveLength(2)
  const runs = named(spans.of(caller.traceId), 'run fail-once')
  expect(runs.map(({ attributes }) => attributes['hasura_sync.outcome'])).toEqual(['failed', 'succeeded'])
  expect(runs.map(({ attributes }) => attributes['hasura_sync.attempt'])).toEqual([1, 2])
  expect(runs[0]).toMatchObject({ status: { code: SpanStatusCode.ERROR }, attributes: { 'error.type': 'job-error' } })
  for (const secret of ['canary', 'secret-of-default', 'eyJ']) expect(spans.text()).not.toContain(secret)
})

test('what a run asks for belongs to its trace', async ({ app, spans, url }) => {
  const caller = newCaller()
  await using opened = new AsyncDisposableStack()
  await serveElsewhere(app, opened)
  await untilDone(app, await ask(url, 'ask-for-other', caller))

  await expect.poll(() => named(spans.of(caller.traceId), 'run other')).toHaveLength(1)
  const all = spans.of(caller.traceId)
  const [run] = named(all, 'run ask-for-other')
  const [request] = named(childrenOf(all, run), 'request other')
  expect(childrenOf(all, request).map(({ name }) => name)).toContain('run other')
})

test('the log names the trace in each line of the run', async ({ app, url }) => {
  const caller = newCaller()
  await using opened = new AsyncDisposableStack()
  await serveElsewhere(app, opened)
  const id = await ask(url, 'other', caller)
  await untilDone(app, id)
  const isDone = (line: Record<string, unknown>) => line.request === id && line.msg === 'run succeeded'
  await expect.poll(() => app.logged.lines.some(isDone)).toBe(true)
  const lines = app.logged.lines.filter(line => line.request === id)
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines) expect(line).toMatchObject({ trace: caller.traceId })
})

test('an instrumentation of the network adds nothing to an exchange that is traced', async ({ spans }) => {
  const { during = expect.fail() } = spans.observer
  const line = { job: 'other', account }
  const api = { kind: 'api', account, api: 'rest', operation: 'GET', url: 'http://api.example' } as const
  const isRecording = await during({ kind: 'request', line, trigger: 'cli', caller: undefined }, () =>
    during(api, async () => trace.getTracer('undici').startSpan('GET').isRecording()),
  )
  expect(isRecording).toBe(false)
})

test('what a woken line holds is no part of the trace that woke it', async ({ spans }) => {
  const { during = expect.fail() } = spans.observer
  const line = { job: 'other', account }
  const headers = await during({ kind: 'request', line, trigger: 'cli', caller: undefined }, () =>
    during({ kind: 'line', line }, () => during({ kind: 'tickets', count: 1 }, async own => own)),
  )
  expect(headers).toBeUndefined()
})
