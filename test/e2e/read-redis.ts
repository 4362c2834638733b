import { Redis } from 'ioredis'

/** All that a Redis database holds, a text for each key: its name, its type and its whole content. */
export async function readRedis(url: string): Promise<string[]> {
  const redis = new Redis(url)
  try {
    const texts: string[] = []
    for (const key of await redis.keys('*')) {
      const type = await redis.type(key)
      texts.push(`${type} ${key} ${JSON.stringify(await readKey(redis, type, key))}`)
    }
    return texts
  } finally {
    redis.disconnect()
  }
}

function readKey(redis: Redis, type: string, key: string): Promise<unknown> {
  switch (type) {
    case 'string':
      return redis.get(key)
    case 'hash':
      return redis.hgetall(key)
    case 'list':
      return redis.lrange(key, 0, -1)
    case 'set':
      return redis.smembers(key)
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES')
    case 'stream':
      return redis.xrange(key, '-', '+')
    default:
      // A key that is left unread would be taken for a clean one.
      throw new Error(`key ${key} is of the type ${type}, which nobody reads here`)
  }
}
