import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startEventTrigger } from '../../test/sandbox/hasura/event-triggers.ts'
import type { Benchmark, Result } from '../benchmark.ts'
import { changeArticles, changedArticles, judgeLags, lagOfRow } from '../measure-lag.ts'
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
    await spine.settle()
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
  const { since, changes } = await changeArticles(source, { perSecond: rate, seconds })
  await delay(2_000)
  await spine.settle()
  const rows = await spine.query<{ lag: number }>(`select ${lagOfRow} from mirror.articles where updated_at > $1`, [
    since,
  ])
  const lags = rows.map(({ lag }) => lag)
  if (lags.length !== Math.min(changes, changedArticles)) {
    throw new Error(`${changes} rows changed, and ${lags.length} arrived`)
  }
  return judgeLags(`hook: at ${rate} changes/s`, lags, { name: 'a second', ms: promisedMs, p50: 0.3, p99: 1 })
}
