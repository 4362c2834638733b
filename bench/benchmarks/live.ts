import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { Benchmark, Result } from '../benchmark.ts'
import { changeArticles, judgeLags, lagOfRow } from '../measure-lag.ts'
import type { Bench } from '../open-bench.ts'
import { openSpine, type Services, startServices } from '../services.ts'
import { startApi } from '../start-process.ts'
import { startWorker } from '../worker-process.ts'

/** How often the API repeats a live query, in milliseconds: Hasura's default. */
const refetchMs = 1_000
/** Changes a second. */
const rates = [1, 10, 100]
/** How long each rate lasts, and how long tables that don't change are watched, in seconds. */
const changingSeconds = 15
const idleSeconds = 20

/** Within this share of the refetch interval, and the 200 ms that a scan may take. */
const limits = { p50: 0.8 + 200 / refetchMs, p99: 1.5 + 200 / refetchMs }
/** 200 scans for each change take as long as two cores need for them, beside the API. */
const limitsAtOnce = { p50: 2, p99: 5 }

/** From a commit in the API's database to the commit in the mirror. With 200 tables, also their cost while they don't change. */
export const live: readonly Benchmark[] = [
  ...[1, 20, 200].map(tables => ({
    name: `live-${tables}`,
    async measure(bench: Bench) {
      await using services = await startServices()
      await using opened = await open(bench, services, { tables, areShares: true })
      const idle = tables === 200 ? [await measureIdle(opened, tables)] : []
      const lags: Result[] = []
      for (const rate of rates) {
        lags.push(
          ...(await measureLag(opened, tables, rate, { what: `${tables} tables at ${rate} changes/s`, ...limits })),
        )
      }
      return [...idle, ...lags]
    },
  })),
  {
    name: 'live-at-once',
    async measure(bench) {
      await using services = await startServices()
      await using opened = await open(bench, services, { tables: 200, areShares: false })
      return await measureLag(opened, 200, 1, { what: '200 tables with every change, at 1 change/s', ...limitsAtOnce })
    },
  },
]

type Opened = Awaited<ReturnType<typeof open>>

interface Tables {
  readonly tables: number
  /** Each change concerns one of the tables; otherwise it concerns all of them. */
  readonly areShares: boolean
}

async function open(bench: Bench, services: Services, { tables, areShares }: Tables) {
  await using opened = new AsyncDisposableStack()
  const source = opened.use(await bench.createDatabase())
  const api = opened.use(
    await startApi('serve-hasura.ts', { databaseUrl: source.url, jwkUrl: bench.idp.jwksUrl, rows: 1_000 }),
  )
  const spine = opened.use(await openSpine(bench, services))
  const { databaseUrl } = spine
  const { redisUrl } = services
  const worker = opened.use(
    await startWorker('serve-live.ts', {
      ...bench.client,
      issuer: bench.idp.issuer,
      url: api.url,
      databaseUrl,
      redisUrl,
      tables,
      areShares,
    }),
  )
  // Each is live and has read everything once.
  const isRead = `select count(*)::int as done from worker.live join worker.checkpoints using (account, job)
    where state = 'live' and scanned_at is not null`
  while ((await spine.query<{ done: number }>(isRead))[0]?.done !== tables) await delay(200)
  await spine.settle()
  const client = new pg.Client({ connectionString: source.url })
  await client.connect()
  opened.defer(() => client.end())
  const closing = opened.move()
  return { spine, worker, source: client, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

async function measureLag(
  { spine, source }: Opened,
  tables: number,
  perSecond: number,
  { what, ...over }: { readonly what: string; readonly p50: number; readonly p99: number },
): Promise<readonly Result[]> {
  const { since } = await changeArticles(source, { perSecond, seconds: changingSeconds })
  await delay(3_000)
  await spine.settle()
  const lags: number[] = []
  for (let table = 0; table < tables; table += 1) {
    const rows = await spine.query<{ lag: number }>(
      `select ${lagOfRow} from mirror.live_${table} where updated_at > $1`,
      [since],
    )
    lags.push(...rows.map(({ lag }) => lag))
  }
  return judgeLags(`live: of ${what}`, lags, { name: 'the refetch interval', ms: refetchMs, ...over })
}

async function measureIdle({ worker }: Opened, tables: number): Promise<Result> {
  await delay(2_000)
  const before = await worker.cpuSeconds()
  await delay(idleSeconds * 1_000)
  const value = (((await worker.cpuSeconds()) - before) / idleSeconds) * 100
  return {
    what: `live: % of a core, ${tables} tables that don't change`,
    value,
    limit: { atMost: 2 },
    rounds: [{ value }],
    detail: `over ${idleSeconds} s`,
  }
}
