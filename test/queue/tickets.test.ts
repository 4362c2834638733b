import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { TransientError } from '../../src/errors.ts'
import { openTickets, type Tickets } from '../../src/queue/tickets.ts'
import { systemClock } from '../../src/time/clock.ts'
import { readRedis } from '../e2e/read-redis.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'

describe.runIf(redisServer)('tickets', () => {
  let closing = new AsyncDisposableStack()
  afterEach(async () => {
    await closing.disposeAsync()
    closing = new AsyncDisposableStack()
  })
  const open = async () => {
    const redis = closing.use(await startRedis())
    const logged = captureLog()
    const tickets = closing.use(openTickets(redis.url, { clock: systemClock, log: logged.log }))
    return { redis, tickets, logged }
  }
  const line = (job: string, fence = '0') => ({ account: 'a:b/ü', job, fence })
  const isAdded = (tickets: Tickets, job: string) =>
    tickets.add([line(job)]).then(
      () => true,
      () => false,
    )

  test('that are equal are one while they wait, and one made during a run is another', async () => {
    const { tickets } = await open()
    const served: string[] = []
    const gate = Promise.withResolvers<void>()
    await tickets.add([line('first'), line('first'), line('second')])
    await tickets.add([line('first')])
    await tickets.consume(async ({ job }) => {
      served.push(job)
      if (served.length === 1) await gate.promise
    }, 1)
    await expect.poll(() => served).toEqual(['first'])
    // Of the run that is going: swallowed. Of what was asked for during it: not.
    await tickets.add([line('first'), line('first', '1')])
    gate.resolve()
    await expect.poll(() => served).toEqual(['first', 'second', 'first'])
    // Nothing is kept of what is done, so the same wake-up may come again.
    await expect
      .poll(async () => {
        await tickets.add([line('second')])
        return served.length
      })
      .toBeGreaterThan(3)
  })

  test('of one account are deleted, one in hand when it is done; those of others stay', async () => {
    const { redis, tickets } = await open()
    const gate = Promise.withResolvers<void>()
    const served: string[] = []
    await tickets.add([line('first'), line('second'), { account: 'other', job: 'third', fence: '0' }])
    await tickets.consume(async ({ job }) => {
      served.push(job)
      await gate.promise
    }, 1)
    await expect.poll(() => served).toEqual(['first'])
    const dropped = tickets.drop('a:b/ü')
    const isThere = async (text: string) => (await readRedis(redis.url)).some(kept => kept.includes(text))
    await expect.poll(() => isThere('"job\\":\\"second')).toBe(false)
    gate.resolve()
    await dropped
    await expect.poll(() => served).toEqual(['first', 'third'])
    expect(await isThere(encodeURIComponent('a:b/ü'))).toBe(false)
  })

  test('are refused soon with a sentence while Redis is away, and taken again when it is back', async () => {
    const { redis, tickets } = await open()
    await redis.kill()
    const refusal = await tickets.add([line('a')]).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(TransientError)
    expect(refusal).toMatchObject({ code: 'queue', message: expect.stringContaining('Redis does not answer') })
    await expect(tickets.ping()).rejects.toThrow(TransientError)
    await redis.start()
    await expect.poll(() => isAdded(tickets, 'b')).toBe(true)
    await tickets.ping()
  })

  test('come to a consumer again when Redis is back, and the log says once what was the matter', async () => {
    const { redis, tickets, logged } = await open()
    const served = new Set<string>()
    await tickets.consume(async ({ job }) => void served.add(job), 2)
    await redis.stop()
    await redis.start()
    await expect.poll(() => isAdded(tickets, 'after')).toBe(true)
    await expect.poll(() => served.has('after')).toBe(true)
    expect(logged.lines.filter(({ level }) => level === 'warn').length).toBeLessThanOrEqual(4)
  })

  test('are opened while Redis is away, and are taken once it is there', async () => {
    const redis = closing.use(await startRedis())
    await redis.stop()
    const logged = captureLog()
    const tickets = closing.use(openTickets(redis.url, { clock: systemClock, log: logged.log }))
    const served = new Set<string>()
    await tickets.consume(async ({ job }) => void served.add(job), 2)
    expect(logged.lines).toContainEqual(expect.objectContaining({ msg: expect.stringContaining('does not answer') }))
    await redis.start()
    await expect.poll(() => isAdded(tickets, 'late')).toBe(true)
    await expect.poll(() => served.has('late')).toBe(true)
  })

  test('close all the same while Redis is away', async () => {
    const { redis, tickets } = await open()
    const consumer = await tickets.consume(async () => {}, 2)
    await redis.kill()
    await consumer.stop()
    await tickets[Symbol.asyncDispose]()
  })

  test('that are gone while they are served are told as such', async () => {
    const { redis, tickets, logged } = await open()
    const { Redis } = await import('ioredis')
    const operator = new Redis(redis.url)
    closing.defer(() => operator.disconnect())
    const gate = Promise.withResolvers<void>()
    const served: string[] = []
    await tickets.consume(async ({ job }) => {
      served.push(job)
      await gate.promise
    }, 1)
    await tickets.add([line('first')])
    await expect.poll(() => served).toEqual(['first'])
    await operator.flushall()
    gate.resolve()
    await tickets.add([line('second')])
    await expect.poll(() => served).toEqual(['first', 'second'])
    const told = logged.lines.map(({ error }) => z.object({ code: z.string() }).parse(error).code)
    expect(told).toEqual(['ticket-lost'])
  })

  test('say that Redis may throw them away, once and only in the log', async () => {
    const { redis, tickets, logged } = await open()
    const { Redis } = await import('ioredis')
    const client = new Redis(redis.url)
    await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await client.quit()
    const printed = vi.spyOn(console, 'warn')
    closing.defer(() => printed.mockRestore())
    const served: string[] = []
    await tickets.consume(async ({ job }) => void served.push(job), 1)
    // The second one comes to a worker that waits, so on all connections.
    for (const job of ['first', 'second']) {
      await tickets.add([line(job)])
      await expect.poll(() => served).toContain(job)
    }
    expect(logged.lines).toEqual([
      expect.objectContaining({ msg: expect.stringContaining('maxmemory-policy "allkeys-lru"') }),
    ])
    expect(printed.mock.calls).toEqual([])
  })
})
