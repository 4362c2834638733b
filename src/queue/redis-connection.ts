import type { RedisOptions } from 'ioredis'
import { parseRedisUrl } from './redis-url.ts'

export const queueName = 'tickets'
/** The braces keep all keys on one node of a Redis cluster. */
export const ticketPrefix = '{hasura-sync-worker}'

/** Milliseconds without a byte from Redis before its connection is made anew; longer than a blocking command waits. */
const silentMs = 8_000

export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

/** What every connection for tickets has in common. One that goes silent, or whose Redis was demoted, is made anew. */
export function redisConnection(redisUrl: string): ConnectionOptions {
  return {
    ...parseRedisUrl(redisUrl),
    retryStrategy: attempt => Math.min(attempt * 100, 1_000),
    // A demoted Redis keeps its connections and refuses to write: whoever is behind the name now may be another one.
    reconnectOnError: (error: Error) => (/^(READONLY|LOADING|MASTERDOWN)/.test(error.message) ? 2 : false),
    keepAlive: 1_000,
    socketTimeout: silentMs,
    connectTimeout: 5_000,
  }
}
