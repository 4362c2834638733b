import { expect } from 'vitest'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { createMetricsHttp } from '../../src/http/metrics-route.ts'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { appTest } from '../fixtures/app-test.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import { readExposition, samplesOf } from './exposition.ts'

const test = appTest.extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })

const scrape = async (metrics: Metrics) => readExposition((await metrics.scrape()).text)

test('while the store and the queue are away, a scrape tells so and what is of this process', async ({ app }) => {
  const metrics = createMetrics({ version: '1.2.3', hasAccounts: false })
  const clock = new ManualClock()
  let isAway = false
  const store = app.deps.store.withPlugin({
    transformQuery({ node }) {
      if (isAway) throw new Error('the store is away')
      return node
    },
    transformResult: async ({ result }) => result,
  })
  const tickets = { count: () => (isAway ? new Promise<never>(() => {}) : Promise.resolve({ waiting: 3, active: 1 })) }
  metrics.share({ ...app.deps, clock, store, tickets }, () => [])
  const there = await scrape(metrics)
  expect(samplesOf(there, 'hasura_sync_store_up')).toEqual([[1]])
  expect(samplesOf(there, 'hasura_sync_queue_up')).toEqual([[1]])
  expect(samplesOf(there, 'hasura_sync_workers')).toEqual([[0]])
  expect(samplesOf(there, 'hasura_sync_tickets', 'state')).toEqual([
    ['active', 1],
    ['waiting', 3],
  ])

  // For five seconds nobody is asked again; then the store refuses, and the queue says nothing.
  isAway = true
  expect(samplesOf(await scrape(metrics), 'hasura_sync_store_up')).toEqual([[1]])
  await clock.advance(5_000)
  const answering = scrape(metrics)
  await clock.advance(2_000)
  const away = await answering
  expect(samplesOf(away, 'hasura_sync_store_up')).toEqual([[0]])
  expect(samplesOf(away, 'hasura_sync_queue_up')).toEqual([[0]])
  for (const name of ['hasura_sync_workers', 'hasura_sync_requests', 'hasura_sync_tickets']) {
    expect(samplesOf(away, name)).toEqual([])
  }
  expect(samplesOf(away, 'hasura_sync_build_info', 'version')).toEqual([['1.2.3', 1]])
})

test('metrics are next to the API only if that is configured, and their own listener serves nothing else', async ({
  app,
}) => {
  const { operations } = app
  const { log } = captureLog()
  const metrics = createMetrics({ version: '1.2.3', hasAccounts: false })
  const { scrape: answer, observer } = metrics
  await using beside = createHttp({ operations, authorize: off, log, observer, scrape: answer })
  await using without = createHttp({ operations, authorize: off, log, observer })
  await using alone = createMetricsHttp({ scrape: answer, log })
  const get = async (http: typeof alone, url: string) => {
    const { statusCode, headers, payload } = await http.inject(url)
    return { statusCode, type: headers['content-type'], payload }
  }
  expect(await get(without, '/metrics')).toMatchObject({ statusCode: 404 })
  expect(await get(alone, '/health/live')).toMatchObject({ statusCode: 404 })
  await get(beside, '/nothing/here')
  for (const http of [beside, alone]) {
    const { statusCode, type, payload } = await get(http, '/metrics')
    expect({ statusCode, type }).toEqual({ statusCode: 200, type: 'text/plain; version=0.0.4; charset=utf-8' })
    expect(
      samplesOf(readExposition(payload), 'hasura_sync_http_request_duration_seconds_count', 'route', 'status'),
    ).toContainEqual(['none', '404', 2])
  }
})
