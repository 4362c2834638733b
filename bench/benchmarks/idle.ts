import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { parseRedisUrl } from '../../src/queue/redis-url.ts'
import type { Benchmark, Result } from '../benchmark.ts'
import type { Bench } from '../open-bench.ts'
import { openSpine, type Services, startServices } from '../services.ts'
import { startWorker, type WorkerProcess } from '../worker-process.ts'

const seconds = 10

/** The cost of an idle worker. */
export const idle: Benchmark = {
  name: 'idle',
  async measure(bench) {
    await using services = await startServices()
    return [
      ...(await measurePostgres(bench, services, false)),
      ...(await measurePostgres(bench, services, true)),
      await measureEmbedded(bench),
    ]
  },
}

async function measurePostgres(bench: Bench, services: Services, withoutRedis: boolean): Promise<readonly Result[]> {
  await using spine = await openSpine(bench, services)
  await using worker = await spine.serve({ accounts: 1, slots: 8, withoutRedis })
  const redis = new Redis(parseRedisUrl(services.redisUrl))
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await redis.info('stats'))?.[1])
  const transactions = async () => {
    const [row] = await spine.query<{ count: string }>(
      'select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()',
    )
    return Number(row?.count)
  }
  const mode = withoutRedis ? 'Postgres alone' : 'Redis and Postgres'
  await delay(2_000)
  const before = { commands: await commands(), transactions: await transactions() }
  const cpu = await measureCpu(worker)
  // The benchmark's own queries aren't counted.
  const redisRate = ((await commands()) - before.commands - 1) / seconds
  const storeRate = ((await transactions()) - before.transactions - 1) / seconds
  redis.disconnect()
  const rates: Result[] = [resultOf(`idle: transactions/s, ${mode}`, storeRate, 5)]
  if (!withoutRedis) rates.push(resultOf(`idle: Redis commands/s, ${mode}`, redisRate, 10))
  return [resultOf(`idle: % of a core, ${mode}`, cpu, 2), ...rates]
}

async function measureEmbedded(bench: Bench): Promise<Result> {
  const dataDir = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-idle-'))
  try {
    const { issuer } = bench.idp
    const settings = { accounts: 1, slots: 8, waitMs: 0, tellsStarts: false }
    await using worker = await startWorker('serve-jobs.ts', { ...bench.client, issuer, dataDir, ...settings })
    await delay(2_000)
    return resultOf('idle: % of a core, embedded', await measureCpu(worker), 2)
  } finally {
    await rm(dataDir, { recursive: true })
  }
}

async function measureCpu(worker: WorkerProcess): Promise<number> {
  const before = await worker.cpuSeconds()
  await delay(seconds * 1000)
  return (((await worker.cpuSeconds()) - before) / seconds) * 100
}

function resultOf(what: string, value: number, atMost: number): Result {
  return { what, value, limit: { atMost }, rounds: [{ value }], detail: `over ${seconds} s` }
}
