import { Redis } from 'ioredis'
import type { ConnectionOptions } from './redis-connection.ts'

/**
 * A connection to Redis whose errors always have a listener. If BullMQ opened its own, it would stop listening when it closes and
 * leave a connection without a response from Redis behind: ioredis then writes to the console.
 */
export function openRedis(options: ConnectionOptions, onError: (error: Error) => void): Redis {
  const redis = new Redis(options).on('error', onError)
  // BullMQ's workers block on a duplicate of this connection.
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = override => duplicate(override).on('error', onError)
  return redis
}
