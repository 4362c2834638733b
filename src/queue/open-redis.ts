import { Redis } from 'ioredis'
import type { ConnectionOptions } from './redis-connection.ts'

/**
 * A connection to Redis whose errors are heard for as long as it lives. BullMQ, which would open its own, stops listening when
 * it closes and leaves a connection behind that Redis doesn't answer: ioredis then writes to the console.
 */
export function openRedis(options: ConnectionOptions, onError: (error: Error) => void): Redis {
  const redis = new Redis(options).on('error', onError)
  // BullMQ's workers block on another one like it.
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = override => duplicate(override).on('error', onError)
  return redis
}
