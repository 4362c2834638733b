import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { TransientError } from '../../src/errors.ts'
import type { NewRequest } from '../../src/queue/request.ts'
import { openQueue } from '../../src/queue/request-queue.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'
import { holdRequests } from './held-handler.ts'

const request: NewRequest = { account: 'default', job: 'sync-things', payload: {}, trigger: 'cli' }

describe.runIf(redisServer)('when Redis goes away', () => {
  let closing = new AsyncDisposableStack()
  afterEach(async () => {
    await closing.disposeAsync()
    closing = new AsyncDisposableStack()
  })
  const open = async () => {
    const redis = closing.use(await startRedis())
    const logged = captureLog()
    const queue = closing.use(await openQueue({ redisUrl: redis.url }, { clock: systemClock, log: logged.log }))
    return { redis, queue, logged }
  }

  test('a request is refused soon with a sentence, and accepted again when Redis is back', async () => {
    const { redis, queue } = await open()
    const { id } = await queue.add(request)
    await redis.kill()
    const refusal = await queue.add(request).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(TransientError)
    expect(refusal).toMatchObject({ code: 'queue', message: expect.stringContaining('Redis does not answer') })
    await expect(queue.find(id)).rejects.toThrow(TransientError)
    await expect(queue.ping()).rejects.toThrow(TransientError)
    await redis.start()
    await expect
      .poll(
        () =>
          queue.ping().then(
            () => 'up',
            () => 'down',
          ),
        { timeout: 10_000 },
      )
      .toBe('up')
    expect(await queue.add(request)).toMatchObject({ absorbed: false })
  })

  test('a worker goes on by itself when Redis is back', async () => {
    const { redis, queue, logged } = await open()
    const { handler, next } = holdRequests()
    const consumer = queue.consume(handler, { concurrency: 2 })
    closing.defer(() => consumer.stop(0))
    await redis.stop()
    await redis.start()
    await expect
      .poll(
        () =>
          queue.add(request).then(
            () => 'added',
            () => 'refused',
          ),
        { timeout: 10_000 },
      )
      .toBe('added')
    const held = await next()
    held.end({ kind: 'done' })
    await expect.poll(async () => (await queue.find(held.request.id))?.state, { timeout: 5_000 }).toBe('done')
    // Each connection says so many times; the log says it once.
    const warnings = logged.lines.filter(({ level }) => level === 'warn')
    expect(warnings.length).toBeLessThanOrEqual(4)
  })

  test('a consumer stops and the queue closes all the same', async () => {
    const { redis, queue } = await open()
    const { handler } = holdRequests()
    const consumer = queue.consume(handler, { concurrency: 2 })
    await redis.kill()
    await consumer.stop(200)
    await queue[Symbol.asyncDispose]()
  })

  test('opening the queue fails with the address, and without the password', async () => {
    const { redis } = await open()
    await redis.stop()
    const url = new URL(redis.url)
    url.password = 'top-secret'
    const failure = await openQueue({ redisUrl: url.href }, { clock: systemClock, log: captureLog().log }).catch(
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(TransientError)
    expect(String(failure)).toContain(url.host)
    expect(String(failure)).not.toContain('top-secret')
  })

  test('a Redis that would throw requests away is told', async () => {
    const { redis, queue } = await open()
    expect(queue.warning).toBeUndefined()
    const { Redis } = await import('ioredis')
    const client = new Redis(redis.url)
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await client.quit()
    const other = closing.use(await openQueue({ redisUrl: redis.url }, { clock: systemClock, log: captureLog().log }))
    expect(other.warning?.found).toContain('maxmemory-policy "allkeys-lru"')
  })
})
