import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { hasPostgres } from '../services/postgres.ts'
import { fillStore, many, manyPages } from './fill-store.ts'
import { openTestDashboard, type TestDashboard } from './open-dashboard.ts'

const jobs = ['sync-users', 'sync-articles', 'sync-topics'] as const

let app: TestApp
let board: TestDashboard
beforeAll(async () => {
  if (!hasPostgres) return
  const clients = Array.from({ length: many.accounts }, (_, n) => ({ clientId: `account-${n}` }))
  app = await openTestApp({ backend: 'postgres', clients })
  board = await openTestDashboard(app)
  for (const statement of fillStore(jobs)) await sql.raw(statement).execute(app.deps.store)
})
afterAll(async () => {
  await board?.[Symbol.asyncDispose]()
  await app?.[Symbol.asyncDispose]()
})

test.skipIf(!hasPostgres).each(manyPages(jobs))('page "%s" stays small, however much there is', async address => {
  const response = await fetch(`${board.url}/dashboard/${address}`, {
    headers: { cookie: board.cookie, 'accept-encoding': 'gzip' },
  })
  await response.arrayBuffer()
  expect(response.status).toBe(200)
  const bytes = Number(response.headers.get('content-length'))
  expect(bytes).toBeLessThanOrEqual(30_000)
})

test.skipIf(!hasPostgres)('ten thousand failed requests are retried by one change', async () => {
  const preview = await board.get('confirm?action=retry&state=failed')
  expect(preview.text).toContain('10,000 requests.')
  const upTo = /name="upTo" value="(\d+)"/.exec(preview.text)?.[1] ?? ''
  const { status } = await board.post('act', { action: 'retry', state: 'failed', upTo })
  expect(status).toBe(303)
  expect((await board.get('audit')).text).toContain('10,000')
})
