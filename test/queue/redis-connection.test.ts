import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { openRedis } from '../../src/queue/redis-connection.ts'
import { parseRedisUrl } from '../../src/queue/redis-url.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'

test.skipIf(!redisServer)('many commands that a demoted Redis refuses at once cause no warning', async () => {
  await using server = await startRedis()
  const warnings: Error[] = []
  const keep = (warning: Error) => void warnings.push(warning)
  process.on('warning', keep)
  onTestFinished(() => void process.off('warning', keep))
  const operator = new Redis(parseRedisUrl(server.url))
  onTestFinished(() => operator.disconnect())
  await operator.call('REPLICAOF', '127.0.0.1', '1')
  const redis = openRedis(server.url, { maxRetriesPerRequest: null }, () => {})
  onTestFinished(() => redis.disconnect())
  const answers = Array.from({ length: 20 }, (_, n) => redis.set(`key-${n}`, 'value'))
  await once(redis, 'reconnecting')
  await operator.call('REPLICAOF', 'NO', 'ONE')
  expect(await Promise.all(answers)).toEqual(answers.map(() => 'OK'))
  await setImmediate()
  expect(warnings).toEqual([])
})
