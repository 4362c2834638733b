import { Redis } from 'ioredis'
import { ConfigError, type Explanation, TransientError } from '../errors.ts'
import { explainRedisFailure, isReply, type RedisFailure } from './redis-failure.ts'
import { parseRedisUrl } from './redis-url.ts'

/** Of the queue's own keys, so that a user's rights are seen, but none that the queue has. */
const probeKey = '{hasura-sync-worker}:probe'

/** A write that writes nothing, since the key isn't there: a replica, a full memory and missing rights refuse it all the same. */
const writeNothing = `return redis.call('set', KEYS[1], '', 'xx')`

/**
 * Asks a Redis for everything that the queue will need of it and changes nothing: a script, a write, a stream, a blocking pop.
 * BullMQ would take the process down when its first connection fails, and use database 0 when there is none of the number.
 *
 * @returns what would lose requests, or undefined
 * @throws ConfigError when its words say that somebody has to change something; TransientError when it may serve later
 */
export async function inspectRedis(redisUrl: string): Promise<Explanation | undefined> {
  const { host, port } = parseRedisUrl(redisUrl)
  const answer = await probe(redisUrl, `Redis at ${host}:${port}`)
  if ('policy' in answer) return answer.policy === 'noeviction' ? undefined : explainEviction(answer.policy)
  throw answer.isConfiguration ? new ConfigError([answer]) : new TransientError('queue', answer)
}

/**
 * The same, for who only wants to know whether requests can be taken now; what is said doesn't tell the address.
 *
 * @throws TransientError when they can't
 */
export async function probeRedis(redisUrl: string): Promise<void> {
  const answer = await probe(redisUrl, 'Redis')
  if (!('policy' in answer)) throw new TransientError('queue', answer)
}

/** @param what how a sentence calls the server */
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
    // That the connection has ended says less than what Redis said before it.
    return explainRedisFailure(failures.find(isReply) ?? failures[0] ?? error, what)
  } finally {
    redis.disconnect()
  }
}

function explainEviction(policy: string): Explanation {
  return {
    found: `Redis has maxmemory-policy "${policy}" and may throw tickets away when its memory is full`,
    remedy: 'set it to "noeviction"',
  }
}
