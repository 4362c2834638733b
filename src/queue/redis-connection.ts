import { Redis, type RedisOptions } from 'ioredis'
import { innerReply } from './redis-failure.ts'
import { parseRedisUrl } from './redis-url.ts'

export const queueName = 'tickets'

/** Options of BullMQ's queue and workers. */
export const queueOptions = {
  // The braces keep all keys on one node of a Redis Cluster.
  prefix: '{hasura-sync-worker}',
  // The check prints plain text between the lines of the log, at each connection. `inspectRedis` finds the same.
  skipVersionCheck: true,
} as const

/** Milliseconds without data from Redis before its connection is reopened; longer than a blocking command waits. */
const silentMs = 8_000

type ConnectionOptions = Omit<RedisOptions, 'replyMapping'>

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

/**
 * A connection for tickets whose errors always have a listener. If BullMQ opened its own, it would stop listening when it closes
 * and leave a connection without a response from Redis behind: ioredis then writes to the console.
 */
export function openRedis(redisUrl: string, more: ConnectionOptions, onError: (error: Error) => void): Redis {
  const redis = watch(new Redis({ ...redisConnection(redisUrl), ...more }), onError)
  // BullMQ's workers block on a duplicate of this connection.
  const duplicate = redis.duplicate.bind(redis)
  redis.duplicate = override => watch(duplicate(override), onError)
  return redis
}

function watch(redis: Redis, onError: (error: Error) => void): Redis {
  // ioredis adds a listener for each command that a demoted Redis refuses, until the connection has closed.
  return redis.on('error', onError).on('connect', () => redis.stream.setMaxListeners(0))
}
