import { Redis } from 'ioredis'
import { ConfigError, TransientError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { explainRedisFailure, isReply, type RedisFailure } from './redis-failure.ts'
import { parseRedisUrl } from './redis-url.ts'

/** In the key space of the queue, to test the user's privileges, but not a key that the queue uses. */
const probeKey = '{hasura-sync-worker}:probe'

/** A write without effect, because the key doesn't exist. A replica, full memory or missing privileges refuse it anyway. */
const writeNothing = `return redis.call('set', KEYS[1], '', 'xx')`

/**
 * Checks everything that the queue needs from Redis, without changes: a script, a write, a stream, a blocking pop. BullMQ would
 * crash the process if its first connection failed, and would use database 0 if the configured one didn't exist.
 *
 * @returns a warning about settings that lose tickets, or undefined
 * @throws ConfigError if someone must change something; TransientError if it may work later
 */
export async function inspectRedis(redisUrl: string): Promise<Explanation | undefined> {
  const { host, port } = parseRedisUrl(redisUrl)
  const answer = await probe(redisUrl, `Redis at ${host}:${port}`)
  if (!('policy' in answer))
    throw answer.isConfiguration ? new ConfigError([answer]) : new TransientError('queue', answer)
  // Those that evict only what expires reach the locks of tickets, whose loss hands a ticket to another worker.
  if (/^(?:noeviction$|volatile-)/.test(answer.policy)) return undefined
  return {
    found: `Redis has maxmemory-policy "${answer.policy}" and may evict tickets when its memory is full`,
    remedy: 'set it to "noeviction", or to a policy that begins with "volatile-"',
  }
}

/**
 * Only checks whether requests can be taken now. Its errors don't contain the address.
 *
 * @throws TransientError if they can't
 */
export async function probeRedis(redisUrl: string): Promise<void> {
  const answer = await probe(redisUrl, 'Redis')
  if (!('policy' in answer)) throw new TransientError('queue', answer)
}

/** @param what how messages name the server */
async function probe(redisUrl: string, what: string): Promise<{ readonly policy: string } | RedisFailure> {
  const redis = new Redis({
    ...parseRedisUrl(redisUrl),
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 5_000,
    commandTimeout: 5_000,
  })
  const failures: Error[] = []
  redis.on('error', error => failures.push(error))
  try {
    await redis.connect()
    const policy = /^maxmemory_policy:(\S+)/m.exec(await redis.info('memory'))?.[1] ?? 'noeviction'
    await redis.eval(writeNothing, 1, probeKey)
    await redis.xadd(probeKey, 'NOMKSTREAM', '*', 'probe', '')
    await redis.bzpopmin(probeKey, 0.01)
    const [refusal] = failures
    return refusal ? explainRedisFailure(refusal, what) : { policy }
  } catch (error) {
    // Redis' own words say more than the closed connection.
    return explainRedisFailure(failures.find(isReply) ?? failures[0] ?? error, what)
  } finally {
    redis.disconnect()
  }
}
