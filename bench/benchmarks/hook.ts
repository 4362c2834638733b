import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startEventTrigger } from '../../test/sandbox/hasura/event-triggers.ts'
import type { Benchmark, Result } from '../benchmark.ts'
import { percentile } from '../rounds.ts'
import { openSpine, type Spine, startServices } from '../services.ts'
import { startApi } from '../start-process.ts'
import { startWorker } from '../worker-process.ts'

/** What the documentation promises of an event, in milliseconds. */
const promisedMs = 1_000
const seconds = 15
const rates = [1, 10, 100]

/** From a commit in the API's database to the commit in the mirror, by the events that Hasura sends. */
export const hook: Benchmark = {
  name: 'hook',
  async measure(bench) {
    await using opened = new AsyncDisposableStack()
    const services = opened.use(await startServices())
    const source = opened.use(await bench.createDatabase())
    const api = opened.use(
      await startApi('serve-hasura.ts', { databaseUrl: source.url, jwkUrl: bench.idp.jwksUrl, rows: 1_000 }),
    )
    const spine = opened.use(await openSpine(bench, services))
    const hookSecret = randomUUID()
    const { databaseUrl } = spine
    const { redisUrl } = services
    const options = { ...bench.client, issuer: bench.idp.issuer, url: api.url, databaseUrl, redisUrl, hookSecret }
    const worker = opened.use(await startWorker('serve-hook.ts', options))
    await settle(spine)
    const client = await connect(opened, source.url)
    const sender = new pg.Pool({ connectionString: source.url, max: 8 })
    opened.defer(() => sender.end())
    opened.use(
      await startEventTrigger(
        { sql: async text => (await sender.query(text)).rows },
        {
          name: 'articles_changed',
          table: 'articles',
          webhook: `${worker.url}/hooks/hasura/events`,
          headers: { 'x-hook-secret': hookSecret },
        },
      ),
    )
    const results: Result[] = []
    for (const rate of rates) results.push(...(await measureLag(spine, client, rate)))
    return results
  },
}

async function connect(opened: AsyncDisposableStack, connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  opened.defer(() => client.end())
  return client
}

async function measureLag(spine: Spine, source: pg.Client, rate: number): Promise<readonly Result[]> {
  const since = new Date()
  const count = seconds * rate
  for (let made = 0; made < count; made += 1) {
    // Both databases are on this machine, so one clock times both commits.
    await source.query(
      `update articles set title = title || '.', updated_at = clock_timestamp() where id = md5($1::text)::uuid`,
      [made % 1_000],
    )
    await delay(Math.max(0, since.getTime() + ((made + 1) * 1_000) / rate - Date.now()))
  }
  await delay(2_000)
  await settle(spine)
  const rows = await spine.query<{ lag: number }>(
    `select extract(epoch from _synced_at - updated_at)::float8 * 1000 as lag from mirror.articles where updated_at > $1`,
    [since],
  )
  const lags = rows.map(({ lag }) => lag)
  if (lags.length !== Math.min(count, 1_000)) throw new Error(`${count} rows changed, and ${lags.length} arrived`)
  const [p50, p99] = [percentile(lags, 0.5), percentile(lags, 0.99)]
  const what = `hook: at ${rate} changes/s`
  const rounds = [{ p50, p99, rows: lags.length }]
  const detail = `${Math.round(p50)} and ${Math.round(p99)} ms`
  return [
    { what: `${what}, p50 over a second`, value: p50 / promisedMs, limit: { atMost: 0.3 }, rounds, detail },
    { what: `${what}, p99 over a second`, value: p99 / promisedMs, limit: { atMost: 1 }, rounds, detail },
  ]
}

/** No request waits or runs. */
async function settle(spine: Spine): Promise<void> {
  while ((await spine.query('select from worker.requests where ended_at is null limit 1')).length > 0) await delay(200)
}
