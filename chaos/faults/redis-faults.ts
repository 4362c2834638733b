import { sendRedis } from '../send-redis.ts'
import type { World } from '../world.ts'
import type { FaultKind } from './fault-kind.ts'

/** Faults of the queue's server. */
export const redisFaults: readonly FaultKind[] = [
  redisFault('redis-killed', [500, 6_000], async redis => {
    await redis.server.kill()
    return () => redis.server.start()
  }),
  redisFault('redis-restarted', [0, 500], async redis => {
    await redis.server.stop()
    return () => redis.server.start()
  }),
  redisFault('redis-stands-still', [1_000, 9_000], async redis => {
    redis.server.pause()
    return () => redis.server.resume()
  }),
  redisFault('redis-full', [1_000, 8_000], async redis => {
    await redis.send('CONFIG', 'SET', 'maxmemory', '1')
    return () => redis.send('CONFIG', 'SET', 'maxmemory', '0')
  }),
  redisFault('redis-flushed', [0, 0], async redis => {
    await redis.send('FLUSHALL')
    return () => {}
  }),
  // Demoted while its connections stay open, as in a failover.
  redisFault('redis-demoted', [1_000, 8_000], async redis => {
    await redis.send('REPLICAOF', '127.0.0.1', '1')
    return () => redis.send('REPLICAOF', 'NO', 'ONE')
  }),
]

interface RedisServer {
  readonly server: NonNullable<World['redis']>
  send(...words: string[]): Promise<void>
}

function redisFault(
  name: string,
  lasts: readonly [number, number],
  begin: (redis: RedisServer) => Promise<() => Promise<void> | void>,
): FaultKind {
  return {
    name,
    breaks: 'redis',
    backends: ['redis'],
    lasts,
    begin({ world }) {
      const { redis } = world
      if (!redis) throw new Error('this backend has no Redis')
      return begin({ server: redis, send: (...words) => sendRedis(redis.url, words) })
    },
  }
}
