import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { JobError } from '../../src/errors.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { createProcessMetrics, type ProcessMetrics } from '../../src/metrics/process-metrics.ts'
import type { Observer } from '../../src/observer/observer.ts'
import { tellAll } from '../../src/observer/tell-all.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { readExposition, samplesOf } from './exposition.ts'

const run = { job: 'sync-users', account: 'north', run: 'r1', request: 'q1' }
const error = new JobError('broken', 'secret words of a row')

async function scrapeAfter(tell: (observer: Observer, know: ProcessMetrics['know']) => void, hasAccounts = false) {
  const registry = new Registry()
  const { observer, know } = createProcessMetrics(registry, hasAccounts)
  tell(tellAll([observer], captureLog().log), know)
  const text = await registry.metrics()
  return { text, samples: readExposition(text) }
}

test('runs are counted by job and outcome, timed, and their rows added up', async () => {
  const { text, samples } = await scrapeAfter(o => {
    for (const counts of [
      { inserted: 2, unchanged: 9 },
      { inserted: 1, deleted: 4 },
      undefined,
      JSON.parse('{"inserted":"many"}'),
    ]) {
      o.runClaimed(run, { trigger: 'cli', probed: false })
      o.runEnded(run, { state: 'succeeded', durationMs: 300, counts })
    }
    o.runClaimed(run, { trigger: 'cli', probed: false })
    o.runClaimed(run, { trigger: 'cli', probed: false })
    o.runEnded(run, { state: 'failed', durationMs: 2_000, error })
    o.holdPlaced(run, { code: 'claims', scope: 'account' })
    o.pageWritten(run, { table: 'users', read: 5, changed: 2, durationMs: 3 })
    o.requestAccepted(run, { request: 'q', trigger: 'cli', absorbed: true })
    o.messageSent(run, { outcome: 'delivered', durationMs: 3 })
    o.ticketsAdded(3)
    o.ticketTaken(run)
    o.nothingClaimed(run, 'busy')
    o.tokenFetched('north', { outcome: 'granted', isRenewal: false, durationMs: 9 })
    o.apiAsked('north', { api: 'hasura', operation: 'query', outcome: 'done', durationMs: 250 })
    o.guardFired('end-refused', run)
  })
  expect(samplesOf(samples, 'hasura_sync_runs_total', 'job_name', 'outcome')).toEqual([
    ['sync-users', 'failed', 1],
    ['sync-users', 'succeeded', 4],
  ])
  expect(samplesOf(samples, 'hasura_sync_runs_active', 'job_name')).toEqual([['sync-users', 1]])
  expect(samplesOf(samples, 'hasura_sync_rows_written_total', 'change')).toEqual([
    ['deleted', 4],
    ['inserted', 3],
  ])
  expect(samplesOf(samples, 'hasura_sync_run_duration_seconds_sum', 'outcome')).toEqual([
    ['failed', 2],
    ['succeeded', 1.2],
  ])
  expect(samplesOf(samples, 'hasura_sync_holds_placed_total', 'code', 'scope')).toEqual([['claims', 'account', 1]])
  expect(samplesOf(samples, 'hasura_sync_guards_total', 'guard')).toEqual([['end-refused', 1]])
  expect(samplesOf(samples, 'hasura_sync_pages_written_total', 'job_name')).toEqual([['sync-users', 1]])
  expect(samplesOf(samples, 'hasura_sync_requests_accepted_total', 'job_name', 'trigger', 'absorbed')).toEqual([
    ['sync-users', 'cli', 'true', 1],
  ])
  expect(samplesOf(samples, 'hasura_sync_tickets_added_total')).toEqual([[3]])
  expect(samplesOf(samples, 'hasura_sync_tickets_taken_total')).toEqual([[1]])
  expect(samplesOf(samples, 'hasura_sync_claims_without_run_total', 'verdict')).toEqual([['busy', 1]])
  expect(samplesOf(samples, 'hasura_sync_token_fetches_total', 'outcome')).toEqual([['granted', 1]])
  expect(samplesOf(samples, 'hasura_sync_api_request_duration_seconds_sum', 'api', 'operation', 'outcome')).toEqual([
    ['hasura', 'query', 'done', 0.25],
  ])
  // Accounts by choice, words of an error never.
  expect(text).not.toContain('north')
  expect(text).not.toContain('secret words')
})

test('the process tells its version, its memory and how late its event loop is', async () => {
  const { contentType, text } = await createMetrics({ version: '1.2.3', hasAccounts: false }).scrape()
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  const samples = readExposition(text)
  expect(samplesOf(samples, 'hasura_sync_build_info', 'version')).toEqual([['1.2.3', 1]])
  expect(samples.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes']),
  )
})

test('accounts have time series of their own where that is chosen, but none in histograms', async () => {
  const { samples } = await scrapeAfter(o => {
    for (const account of ['north', 'south'])
      o.runEnded({ ...run, account }, { state: 'succeeded', durationMs: 1, counts: {} })
  }, true)
  expect(samplesOf(samples, 'hasura_sync_runs_total', 'account')).toEqual([
    ['north', 1],
    ['south', 1],
  ])
  expect(samplesOf(samples, 'hasura_sync_run_duration_seconds_count', 'account')).toEqual([[undefined, 2]])
})

test('runs and logins of known lines count from 0, so that the first one is an increase', async () => {
  const lines = ['north', 'south'].flatMap(account => [
    { job: 'sync-users', account },
    { job: 'sync-teams', account },
  ])
  const tell = (o: Observer, know: ProcessMetrics['know']) => {
    know(lines)
    o.runEnded(run, { state: 'failed', durationMs: 1, error })
    o.tokenFetched('north', { outcome: 'refused', isRenewal: false, durationMs: 1 })
    know(lines.slice(0, 2))
  }
  const { samples: together } = await scrapeAfter(tell)
  const outcomes = ['cancelled', 'failed', 'interrupted', 'refused', 'succeeded']
  expect(samplesOf(together, 'hasura_sync_runs_total', 'job_name', 'outcome')).toEqual([
    ...outcomes.map(outcome => ['sync-teams', outcome, 0]),
    ...outcomes.map(outcome => ['sync-users', outcome, outcome === 'failed' ? 1 : 0]),
  ])
  expect(samplesOf(together, 'hasura_sync_token_fetches_total', 'outcome')).toEqual([
    ['failed', 0],
    ['granted', 0],
    ['refused', 1],
  ])
  const { samples: apart } = await scrapeAfter(tell, true)
  expect(samplesOf(apart, 'hasura_sync_runs_total', 'job_name', 'account', 'outcome')).toHaveLength(20)
  expect(samplesOf(apart, 'hasura_sync_token_fetches_total', 'account', 'outcome')).toHaveLength(6)
})

test('whatever names come, there are no more time series than the limit allows, and nothing is left out', async () => {
  const { samples } = await scrapeAfter((o, know) => {
    know(Array.from({ length: 1_000 }, (_line, each) => ({ job: `job-${each}`, account: `a-${each}` })))
    for (let each = 0; each < 1_000; each++) {
      o.runEnded(
        { ...run, job: `job-${each}`, account: `a-${each}` },
        { state: 'succeeded', durationMs: 1, counts: {} },
      )
      o.httpAnswered({ method: `M${each}`, route: '/jobs/:job', status: 404, durationMs: 1 })
    }
  }, true)
  const runs = samplesOf(samples, 'hasura_sync_runs_total', 'job_name', 'account')
  expect(runs).toHaveLength(201 * 5)
  expect(runs).toContainEqual(['other', 'other', 800])
  expect(samplesOf(samples, 'hasura_sync_http_request_duration_seconds_count', 'method')).toHaveLength(11)
})

test('a name that is made to break the format is a label value like any other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(hostile, fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 5 }),
      async names => {
        const { samples } = await scrapeAfter(o => {
          for (const name of names)
            o.runEnded({ ...run, job: name, account: name }, { state: 'succeeded', durationMs: 1, counts: {} })
        }, true)
        const told = samplesOf(samples, 'hasura_sync_runs_total', 'job_name', 'account').map(([job, account]) => [
          job,
          account,
        ])
        expect(told).toEqual([...new Set(names)].map(name => [name, name]).toSorted())
      },
    ),
    { numRuns: 25, examples: [[['\r', '\u2028', 'a\nb']]] },
  )
})

const hostile = fc.constantFrom(
  'a"} 1\nhasura_sync_up{x="',
  'back\\slash',
  '\\n',
  'trailing\\',
  '\n',
  '"',
  '',
  '__proto__',
  'constructor',
)

test('unused grants are those of the last token of the accounts that there are, together or of each', async () => {
  const tell = (o: Observer, know: ProcessMetrics['know']) => {
    o.grantsCompared('north', { role: 5, scope: 1 })
    o.grantsCompared('south', { role: 1, scope: 0 })
    o.grantsCompared('removed', { role: 7, scope: 7 })
    o.grantsCompared('north', { role: 2, scope: 1 })
    know(['north', 'south'].map(account => ({ account, job: 'sync-users' })))
  }
  const { samples: together } = await scrapeAfter(tell)
  expect(samplesOf(together, 'hasura_sync_unused_grants', 'kind')).toEqual([
    ['role', 3],
    ['scope', 1],
  ])
  const { samples: apart } = await scrapeAfter(tell, true)
  expect(samplesOf(apart, 'hasura_sync_unused_grants', 'account', 'kind')).toEqual([
    ['north', 'role', 2],
    ['north', 'scope', 1],
    ['south', 'role', 1],
    ['south', 'scope', 0],
  ])
})
