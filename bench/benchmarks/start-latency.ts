import { setTimeout as delay } from 'node:timers/promises'
import { Queue } from 'bullmq'
import { createLog } from '../../src/log.ts'
import { parseRedisUrl } from '../../src/queue/redis-url.ts'
import { openTickets } from '../../src/queue/tickets.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { systemClock } from '../../src/time/clock.ts'
import type { Benchmark } from '../benchmark.ts'
import type { Bench } from '../open-bench.ts'
import { interleave, median, percentile } from '../rounds.ts'
import { openSpine, type Services, startServices } from '../services.ts'
import { startWorker, type WorkerProcess } from '../worker-process.ts'

const everyMs = 20

/** From just before a request is made until its run starts, on an idle worker in another process. */
export const startLatency: Benchmark = {
  name: 'start-latency',
  async measure(bench, { rows = 300, runs }) {
    await using services = await startServices()
    const rounds = await interleave(Math.min(runs, 3), {
      bullmq: () => measureBullmq(services, rows),
      worker: () => measureWorker(bench, services, rows),
    })
    return (
      [
        [0.5, 3],
        [0.99, 15],
      ] as const
    ).map(([share, atMost]) => {
      const of = (name: 'bullmq' | 'worker') => rounds.map(round => percentile(round[name], share))
      const more = of('worker').map((ms, index) => ms - (of('bullmq')[index] ?? 0))
      return {
        what: `start-latency: p${share * 100} of enqueue → start beyond bare BullMQ's, ms`,
        value: median(more),
        limit: { atMost },
        rounds: more.map((ms, index) => ({ more: ms, worker: of('worker')[index], bullmq: of('bullmq')[index] })),
        detail: `worker ${median(of('worker')).toFixed(1)}, bullmq ${median(of('bullmq')).toFixed(1)} ms`,
      }
    })
  },
}

async function measureWorker(bench: Bench, services: Services, count: number): Promise<readonly number[]> {
  await using spine = await openSpine(bench, services)
  await using worker = await spine.serve({ accounts: 4, slots: 8, tellsStarts: true })
  const log = createLog('warn')
  await using database = await openDatabase({ databaseUrl: spine.databaseUrl }, log)
  await using tickets = openTickets(services.redisUrl, { clock: systemClock, log })
  return await measureStarts(worker, count, async n => {
    const line = { account: `account-${n % 4}`, job: 'wait' }
    const request = { ...line, payload: { n }, trigger: 'http', caller: 'bench' } as const
    const { wake } = await acceptRequest(database.store, request)
    await tickets.add(wake)
  })
}

async function measureBullmq({ redisUrl }: Services, count: number): Promise<readonly number[]> {
  await using worker = await startWorker('serve-bullmq.ts', { redisUrl, slots: 8 })
  const queue = new Queue('bare', { connection: parseRedisUrl(redisUrl) })
  try {
    return await measureStarts(worker, count, async n => void (await queue.add('bare', { n })))
  } finally {
    await queue.close()
  }
}

async function measureStarts(
  worker: WorkerProcess,
  count: number,
  enqueue: (n: number) => Promise<void>,
): Promise<readonly number[]> {
  const latencies: number[] = []
  // The first requests open connections and fetch tokens.
  const warm = 20
  for (let n = 1; n <= warm + count; n += 1) {
    const enqueuedAt = performance.timeOrigin + performance.now()
    await enqueue(n)
    while (!worker.startedAt.has(n)) await delay(1)
    if (n > warm) latencies.push((worker.startedAt.get(n) ?? 0) - enqueuedAt)
    await delay(everyMs)
  }
  return latencies
}
