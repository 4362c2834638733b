import { Redis } from 'ioredis'
import { inject } from 'vitest'
import './provided-services.ts'

const serverUrl = inject('redisUrl')

/** For `describe.runIf(hasRedis)`: whether `createRedis` can give anything in this run. */
export const hasRedis = serverUrl !== undefined

export interface RedisDatabase extends AsyncDisposable {
  readonly url: string
  /** Empties the database again; only matters on a server that outlives the tests. */
  drop(): Promise<void>
}

/** An empty database number that no other test file uses at the same time. */
export async function createRedis(): Promise<RedisDatabase> {
  if (serverUrl === undefined) throw new Error('There is no Redis in this run; guard the suite with hasRedis')
  await using server = openConnection(serverUrl)
  const databases = await countDatabases(server.redis)
  for (let attempt = 1; attempt < databases; attempt += 1) {
    const number = 1 + ((await server.redis.incr('tests:databases-given')) % (databases - 1))
    const url = withDatabase(serverUrl, number)
    await using database = openConnection(url)
    // Somebody else's server may hold somebody else's data.
    if (inject('ownsRedis')) await database.redis.flushdb()
    else if ((await database.redis.dbsize()) > 0) continue
    const drop = () => flush(url)
    return { url, drop, [Symbol.asyncDispose]: drop }
  }
  throw new Error(`None of the ${databases} databases of TEST_REDIS_URL is empty`)
}

function openConnection(url: string): { redis: Redis } & AsyncDisposable {
  const redis = new Redis(url, { maxRetriesPerRequest: 2 })
  return {
    redis,
    [Symbol.asyncDispose]: async () => {
      await redis.quit()
    },
  }
}

async function flush(url: string): Promise<void> {
  await using connection = openConnection(url)
  await connection.redis.flushdb()
}

/** Managed servers may refuse CONFIG; 16 is what Redis comes with. */
async function countDatabases(redis: Redis): Promise<number> {
  const answer: unknown = await redis.config('GET', 'databases').catch(() => undefined)
  return Array.isArray(answer) ? Number(answer[1]) : 16
}

function withDatabase(url: string, number: number): string {
  const changed = new URL(url)
  changed.pathname = `/${number}`
  return changed.href
}
