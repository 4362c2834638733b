import { Redis } from 'ioredis'
import { type Explanation, TransientError } from '../errors.ts'
import { parseRedisUrl } from './redis-url.ts'

/**
 * Asks Redis for its eviction policy, which also tells whether it is there at all: BullMQ would take the process down when
 * its first connection fails.
 *
 * @returns what would lose requests, in words for the operator, or undefined
 * @throws TransientError when Redis doesn't answer
 */
export async function inspectRedis(redisUrl: string): Promise<Explanation | undefined> {
  const address = parseRedisUrl(redisUrl)
  const redis = new Redis({
    ...address,
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
  })
  let refusal: unknown
  redis.on('error', error => {
    refusal = error
  })
  try {
    await redis.connect()
    const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1]
    if (!policy || policy === 'noeviction') return undefined
    return {
      found: `Redis has maxmemory-policy "${policy}" and may throw requests away when its memory is full`,
      remedy: 'set it to "noeviction"',
    }
  } catch (error) {
    const found = refusal instanceof Error ? refusal.message : String(error)
    throw new TransientError('queue', {
      found: `Redis at ${address.host}:${address.port} does not answer (${found})`,
      remedy: 'check that it runs and that REDIS_URL names it',
    })
  } finally {
    redis.disconnect()
  }
}
