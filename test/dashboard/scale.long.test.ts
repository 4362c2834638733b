import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { hasPostgres } from '../services/postgres.ts'
import { openTestDashboard, type TestDashboard } from './open-dashboard.ts'

const accounts = 1_000
const runs = 1_000_000
const waiting = 100_000
const failed = 10_000

let app: TestApp
let board: TestDashboard
beforeAll(async () => {
  if (!hasPostgres) return
  const clients = Array.from({ length: accounts }, (_, n) => ({ clientId: `account-${n}` }))
  app = await openTestApp({ backend: 'postgres', clients })
  board = await openTestDashboard(app)
  await fill()
})
afterAll(async () => {
  await board?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

const jobs = "(array['sync-users', 'sync-articles', 'sync-topics'])[1 + n % 3]"

async function fill() {
  const { store } = app.deps
  for (const statement of [
    `insert into worker.runs (id, request_id, account, job, trigger, attempt, state, process, fence, started_at, finished_at, counts)
      select gen_random_uuid(), 'r' || n, 'account-' || n % ${accounts}, ${jobs}, 'schedule', 1,
        case when n % 100 = 0 then 'failed' else 'succeeded' end, gen_random_uuid(), n, now() - n * interval '1 second', now(), '{"read": 5}'
      from generate_series(1, ${runs}) n`,
    `insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at)
      select 'w' || n, 'account-' || n % ${accounts}, ${jobs}, jsonb_build_object('keys', jsonb_build_array(jsonb_build_array(n::text))),
        n::text, 'cli', 'cli', 'normal', now(), 'waiting', null from generate_series(1, ${waiting}) n`,
    `insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at)
      select 'f' || n, 'account-' || n % ${accounts}, 'sync-users', jsonb_build_object('keys', jsonb_build_array(jsonb_build_array('f' || n))),
        'f' || n, 'cli', 'cli', 'normal', now(), 'failed', now() from generate_series(1, ${failed}) n`,
    `insert into worker.holds (account, job, met_by, code, found, probe_at)
      select 'account-' || n, 'sync-users', 'gate', 'claims', 'x', now() + interval '1 hour' from generate_series(1, 200) n`,
    'analyze worker.runs, worker.requests, worker.holds',
  ]) {
    await sql.raw(statement).execute(store)
  }
}

const addresses = [
  '',
  'accounts',
  'account?name=account-7',
  'jobs',
  'job?name=sync-users',
  'requests',
  'requests?state=waiting',
  'requests?state=failed&account=account-7',
  'runs',
  'runs?state=failed',
  'runs?account=account-7',
  'tables',
  'holds',
  'schedules',
  'subscribers',
  'audit',
]

test.skipIf(!hasPostgres).each(addresses)('page "%s" stays small, however much there is', async address => {
  const times: number[] = []
  let bytes = 0
  for (let n = 0; n < 12; n++) {
    const began = performance.now()
    const response = await fetch(`${board.url}/dashboard/${address}`, {
      headers: { cookie: board.cookie, 'accept-encoding': 'gzip' },
    })
    await response.arrayBuffer()
    times.push(performance.now() - began)
    bytes = Number(response.headers.get('content-length'))
    expect(response.status).toBe(200)
  }
  const [p50, p95] = [0.5, 0.95].map(share =>
    Math.round(times.toSorted((a, b) => a - b)[Math.floor(share * times.length)] ?? 0),
  )
  console.log(`${address || '/'}: ${bytes} bytes, p50 ${p50} ms, p95 ${p95} ms`)
  expect(bytes).toBeLessThanOrEqual(30_000)
})

test.skipIf(!hasPostgres)('ten thousand failed requests are retried by one change', async () => {
  const preview = await board.get('confirm?action=retry&state=failed')
  expect(preview.text).toContain('10,000 requests.')
  const upTo = /name="upTo" value="(\d+)"/.exec(preview.text)?.[1] ?? ''
  const began = performance.now()
  const { status } = await board.post('act', { action: 'retry', state: 'failed', upTo })
  console.log(`10,000 retried in ${Math.round(performance.now() - began)} ms`)
  expect(status).toBe(303)
  expect((await board.get('audit')).text).toContain('10,000')
})
