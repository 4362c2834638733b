import type { RedisOptions } from 'ioredis'
import { innerReply } from './inner-reply.ts'
import { parseRedisUrl } from './redis-url.ts'

export const queueName = 'tickets'
/** The braces keep all keys on one node of a Redis Cluster. */
export const ticketPrefix = '{hasura-sync-worker}'

/** Milliseconds without data from Redis before its connection is reopened; longer than a blocking command waits. */
const silentMs = 8_000

export type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

/** Options of every connection for tickets. A connection that goes silent, or whose Redis was demoted, is reopened. */
export function redisConnection(redisUrl: string): ConnectionOptions {
  return {
    ...parseRedisUrl(redisUrl),
    retryStrategy: attempt => Math.min(attempt * 100, 1_000),
    // A demoted Redis keeps its connections and refuses writes. By now the name may lead to another server.
    reconnectOnError: ({ message }: Error) => (/^(READONLY|LOADING|MASTERDOWN)/.test(innerReply(message)) ? 2 : false),
    keepAlive: 1_000,
    socketTimeout: silentMs,
    connectTimeout: 5_000,
  }
}
