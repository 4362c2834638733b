import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { idempotentRequestId, type NewRequest } from '../../src/queue/request.ts'
import type { Consumer, RequestHandler } from '../../src/queue/request-queue.ts'
import { openTestQueue, queueBackends, type TestQueue } from '../fixtures/open-test-queue.ts'
import { holdRequests } from './held-handler.ts'

describe.each(queueBackends)('the queue on %s', backend => {
  let opened: TestQueue
  let consumers: Consumer[]
  beforeAll(async () => {
    opened = await openTestQueue(backend)
    consumers = []
  })
  afterEach(async () => {
    await Promise.all(consumers.splice(0).map(consumer => consumer.stop(0)))
  })
  afterAll(() => opened[Symbol.asyncDispose]())

  const consume = (handler: RequestHandler, concurrency = 4): Consumer => {
    const consumer = opened.queue.consume(handler, { concurrency })
    consumers.push(consumer)
    return consumer
  }
  const stateOf = async (id: string) => (await opened.queue.find(id))?.state
  const untilState = (id: string, state: string) =>
    expect.poll(() => stateOf(id), { timeout: 15_000, interval: 20 }).toBe(state)
  /** Of an account that no other test has. */
  const request = (more: Partial<NewRequest> = {}): NewRequest => ({
    account: `account-${randomUUID()}`,
    job: 'sync-things',
    payload: {},
    trigger: 'cli',
    ...more,
  })

  test('an equal request is absorbed while its twin waits, and gets the twin’s id', async () => {
    const wanted = request({ payload: { a: 1, b: { c: 2, d: [3] } } })
    const first = await opened.queue.add(wanted)
    const second = await opened.queue.add({ ...wanted, payload: { b: { d: [3], c: 2 }, a: 1 } })
    expect([first.absorbed, second]).toEqual([false, { id: first.id, absorbed: true }])
    const { handler, next } = holdRequests()
    consume(handler)
    const held = await next()
    expect(held.request).toMatchObject({ id: first.id, payload: wanted.payload, failures: 0 })
    held.end({ kind: 'done' })
    await untilState(first.id, 'done')
  })

  test('requests with different payloads, accounts or jobs each get theirs', async () => {
    const wanted = request({ payload: { list: [1, 2] } })
    const added = await Promise.all([
      opened.queue.add(wanted),
      opened.queue.add({ ...wanted, payload: { list: [2, 1] } }),
      opened.queue.add({ ...wanted, job: 'sync-others' }),
      opened.queue.add({ ...wanted, account: `${wanted.account}-b` }),
    ])
    expect(added.map(({ absorbed }) => absorbed)).toEqual([false, false, false, false])
    const seen = new Set<string>()
    consume(async ({ id }) => {
      seen.add(id)
      return { kind: 'done' }
    })
    for (const { id } of added) await untilState(id, 'done')
    expect(seen).toEqual(new Set(added.map(({ id }) => id)))
  })

  test('a request made after the run has really started makes exactly one more', async () => {
    const wanted = request()
    const { handler, next } = holdRequests()
    consume(handler)
    const first = await opened.queue.add(wanted)
    const held = await next()
    expect(await opened.queue.add(wanted)).toEqual({ id: first.id, absorbed: true })
    expect(await held.request.findTwin()).toBeUndefined()
    await held.request.forgetTwin()
    const second = await opened.queue.add(wanted)
    expect([second.absorbed, second.id === first.id]).toEqual([false, false])
    const again = await next()
    expect(again.request.id).toBe(second.id)
    expect(await held.request.findTwin()).toBe(second.id)
    expect(await opened.queue.add(wanted)).toEqual({ id: second.id, absorbed: true })
    // The first one's end must not take the second one's key with it.
    held.end({ kind: 'done' })
    await untilState(first.id, 'done')
    expect(await opened.queue.add(wanted)).toEqual({ id: second.id, absorbed: true })
    again.end({ kind: 'done' })
    await untilState(second.id, 'done')
  })

  test('a request that was put back goes on absorbing its equals, and can be woken early', async () => {
    const wanted = request()
    const { handler, next } = holdRequests()
    consume(handler)
    const { id } = await opened.queue.add(wanted)
    ;(await next()).end({ kind: 'put-back', delayMs: 600_000 })
    await untilState(id, 'delayed')
    expect(await opened.queue.add(wanted)).toEqual({ id, absorbed: true })
    expect(await stateOf(id)).toBe('delayed')
    expect(await opened.queue.promote(id)).toBe(true)
    const held = await next()
    expect(held.request.id).toBe(id)
    held.end({ kind: 'done' })
    await untilState(id, 'done')
    expect(await opened.queue.promote(id)).toBe(false)
    expect(await opened.queue.promote('unknown')).toBe(false)
  })

  test('a request that was put back with a failure remembers how many it had', async () => {
    const { handler, next } = holdRequests()
    consume(handler)
    const { id } = await opened.queue.add(request())
    ;(await next()).end({ kind: 'put-back', delayMs: 0, change: { failures: 3 } })
    const held = await next()
    expect(held.request).toMatchObject({ id, failures: 3 })
    held.end({ kind: 'done' })
    await untilState(id, 'done')
  })

  test('an absorbed request of higher priority raises its twin above the others', async () => {
    const low = request({ priority: 'low' })
    const { id } = await opened.queue.add(low)
    const normal = await opened.queue.add(request())
    await opened.queue.add({ ...low, priority: 'high' })
    // A less urgent one doesn't push it back.
    await opened.queue.add({ ...low, priority: 'low' })
    const order: string[] = []
    consume(async request => {
      order.push(request.id)
      return { kind: 'done' }
    }, 1)
    await untilState(normal.id, 'done')
    await untilState(id, 'done')
    expect(order).toEqual([id, normal.id])
  })

  test('an absorbed request of higher priority starts a delayed twin at once', async () => {
    const wanted = request({ priority: 'normal' })
    const { handler, next } = holdRequests()
    consume(handler)
    const { id } = await opened.queue.add(wanted)
    ;(await next()).end({ kind: 'put-back', delayMs: 600_000 })
    await untilState(id, 'delayed')
    await opened.queue.add({ ...wanted, priority: 'high' })
    const held = await next()
    expect(held.request.id).toBe(id)
    held.end({ kind: 'done' })
    await untilState(id, 'done')
  })

  test('an idempotency key finds its request, also when that has long been done', async () => {
    const wanted = request()
    const id = idempotentRequestId(wanted.account, wanted.job, 'key of a caller')
    let runs = 0
    consume(async () => {
      runs += 1
      return { kind: 'done' }
    })
    expect(await opened.queue.add({ ...wanted, id })).toEqual({ id, absorbed: false })
    await untilState(id, 'done')
    expect(await opened.queue.add({ ...wanted, id })).toEqual({ id, absorbed: true })
    expect(await opened.queue.add({ ...wanted, payload: { other: true }, id })).toEqual({ id, absorbed: true })
    const other = await opened.queue.add(wanted)
    await untilState(other.id, 'done')
    expect(runs).toBe(2)
  })

  test('a failed request tells why, runs no more, and doesn’t absorb the next one', async () => {
    const wanted = request()
    const { handler, next } = holdRequests()
    consume(handler)
    const { id } = await opened.queue.add(wanted)
    ;(await next()).end({ kind: 'failed', reason: 'Because of a reason.' })
    await untilState(id, 'failed')
    expect(await opened.queue.find(id)).toMatchObject({ ...wanted, id, failedReason: 'Because of a reason.' })
    const second = await opened.queue.add(wanted)
    expect(second.absorbed).toBe(false)
    const held = await next()
    expect(held.request.id).toBe(second.id)
    held.end({ kind: 'done' })
    await untilState(second.id, 'done')
  })

  test('progress can be read while the request runs', async () => {
    const { handler, next } = holdRequests()
    consume(handler)
    const { id } = await opened.queue.add(request())
    const held = await next()
    await held.request.progress({ done: 5 })
    expect(await opened.queue.find(id)).toMatchObject({ state: 'running', progress: { done: 5 } })
    held.end({ kind: 'done' })
    await untilState(id, 'done')
  })

  test('what a handler throws unexpectedly doesn’t cost the request', async () => {
    const wanted = request()
    const { handler, next } = holdRequests()
    consume(handler)
    const { id } = await opened.queue.add(wanted)
    ;(await next()).fail(new Error('the store went away'))
    await untilState(id, 'delayed')
    expect(await opened.queue.add(wanted)).toEqual({ id, absorbed: true })
    await opened.queue.promote(id)
    const held = await next()
    expect(held.request.id).toBe(id)
    held.end({ kind: 'done' })
    await untilState(id, 'done')
  })

  test('a request of a later version, made by something unknown here, is taken as it is', async () => {
    const bull = await opened.openBullQueue()
    const data = { ...request(), trigger: 'webhook', failures: 0, of: 'a later version' }
    const { id } = await bull.add(data.job, data)
    const { handler, next } = holdRequests()
    consume(handler)
    const held = await next()
    expect(held.request).toMatchObject({ id, trigger: 'webhook' })
    held.end({ kind: 'done' })
    await untilState(String(id), 'done')
    expect(await opened.queue.find(String(id))).toMatchObject({ trigger: 'webhook' })
  })

  test('a request that can’t be read fails alone', async () => {
    const bull = await opened.openBullQueue()
    const strange = await bull.add('sync-things', JSON.parse('{"from":"another version"}'))
    const { id } = await opened.queue.add(request())
    consume(async () => ({ kind: 'done' }))
    await untilState(id, 'done')
    await expect.poll(() => strange.getState(), { timeout: 5_000 }).toBe('failed')
    expect(await opened.queue.find(String(strange.id))).toBeUndefined()
  })

  test('a consumer that stops lets its runs end, and takes no more', async () => {
    const { handler, next, taken } = holdRequests()
    const consumer = consume(handler, 1)
    const { id } = await opened.queue.add(request())
    const held = await next()
    const left = await opened.queue.add(request())
    const stopped = consumer.stop(10_000)
    held.end({ kind: 'done' })
    await stopped
    expect([await stateOf(id), await stateOf(left.id)]).toEqual(['done', 'waiting'])
    expect([taken.length, held.signal.aborted]).toEqual([1, false])
    consume(async () => ({ kind: 'done' }))
    await untilState(left.id, 'done')
  })

  test('a consumer that stops aborts a run that goes on beyond the grace, and its request waits again', async () => {
    const { handler, next } = holdRequests()
    const consumer = consume(handler, 1)
    const { id } = await opened.queue.add(request())
    const held = await next()
    held.signal.addEventListener('abort', () => held.end({ kind: 'put-back', delayMs: 0 }))
    await consumer.stop(50)
    expect(held.signal.aborted).toBe(true)
    consume(async () => ({ kind: 'done' }))
    await untilState(id, 'done')
  })

  test('no request is lost and never more than one of equals waits, whatever the order of adds, starts and ends', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), payload: fc.integer({ min: 0, max: 1 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
      {
        weight: 2,
        arbitrary: fc.record({
          do: fc.constant('end' as const),
          how: fc.constantFrom('done' as const, 'failed' as const, 'put-back' as const),
        }),
      },
    )
    const { handler, next, taken } = holdRequests()
    consume(handler, 20)
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async steps => {
        const account = `account-${randomUUID()}`
        /** Per payload: the request that absorbs, and the requests whose run reads what was asked for until now. */
        const absorbing = new Map<unknown, string>()
        const inHand: {
          id: string
          started: boolean
          payload: unknown
          end: (how: 'done' | 'failed' | 'put-back') => void
        }[] = []
        const take = async () => {
          const { request, end } = await next()
          inHand.push({
            id: request.id,
            started: false,
            payload: JSON.stringify(request.payload),
            end: how =>
              end(
                how === 'put-back'
                  ? { kind: how, delayMs: 0 }
                  : how === 'failed'
                    ? { kind: how, reason: 'as told' }
                    : { kind: how },
              ),
          })
        }
        for (const { do: action, ...more } of steps) {
          if (action === 'add' && 'payload' in more) {
            const payload = { number: more.payload }
            const key = JSON.stringify(payload)
            const { id, absorbed } = await opened.queue.add({ account, job: 'sync-things', payload, trigger: 'cli' })
            expect(absorbed).toBe(absorbing.has(key))
            if (absorbed) expect(id).toBe(absorbing.get(key))
            else {
              absorbing.set(key, id)
              await take()
            }
          } else if (action === 'start') {
            const waiting = inHand.find(({ started }) => !started)
            if (!waiting) continue
            const held = taken.findLast(({ request }) => request.id === waiting.id)
            await held?.request.forgetTwin()
            waiting.started = true
            absorbing.delete(waiting.payload)
          } else if (action === 'end' && 'how' in more) {
            const [ending] = inHand.splice(0, 1)
            if (!ending) continue
            ending.end(more.how)
            if (more.how === 'put-back') {
              await take()
              const again = inHand.at(-1)
              expect(again?.id).toBe(ending.id)
              if (again) again.started = ending.started
            } else {
              await untilState(ending.id, more.how)
              if (!ending.started) absorbing.delete(ending.payload)
            }
          }
        }
        // Each that was accepted has been in a worker's hands; none is left over.
        for (const { id, end } of inHand.splice(0)) {
          end('done')
          await untilState(id, 'done')
        }
      }),
      { numRuns: 40 },
    )
  })
})
