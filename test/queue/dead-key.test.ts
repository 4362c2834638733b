import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addRequest } from '../../src/queue/add-request.ts'
import type { BullQueue } from '../../src/queue/bullmq-backend.ts'
import { deduplicationId, type NewRequest } from '../../src/queue/request.ts'
import { openTestQueue, queueBackends, type TestQueue } from '../fixtures/open-test-queue.ts'

describe.each(queueBackends)('a deduplication key on %s', backend => {
  let opened: TestQueue
  let bull: BullQueue
  const ran: string[] = []
  beforeAll(async () => {
    opened = await openTestQueue(backend)
    bull = await opened.openBullQueue()
    opened.queue.consume(
      async ({ id }) => {
        ran.push(id)
        return { kind: 'done' }
      },
      { concurrency: 4 },
    )
  })
  afterAll(() => opened[Symbol.asyncDispose]())

  const request = (): NewRequest => ({
    account: `account-${randomUUID()}`,
    job: 'sync-things',
    payload: {},
    trigger: 'cli',
  })
  const untilDone = (id: string) =>
    expect.poll(async () => (await opened.queue.find(id))?.state, { timeout: 10_000, interval: 10 }).toBe('done')
  const timesOf = (id: string) => ran.filter(each => each === id).length

  test('that a request took which had ended between check and add, absorbs nothing', async () => {
    const wanted = { ...request(), id: randomUUID() }
    await opened.queue.add(wanted)
    await untilDone(wanted.id)
    // As a second process adds it, whose check came before the first one's add.
    await bull.add(
      wanted.job,
      { ...wanted, failures: 0 },
      { jobId: wanted.id, deduplication: { id: deduplicationId(wanted) } },
    )
    const { id: _, ...equal } = wanted
    const next = await opened.queue.add(equal)
    expect(next).toEqual({ id: expect.not.stringMatching(wanted.id), absorbed: false })
    await untilDone(next.id)
    expect([timesOf(wanted.id), timesOf(next.id)]).toEqual([1, 1])
    expect((await opened.queue.add(equal)).absorbed).toBe(false)
  })

  test('is given away by whoever adds a request again that has just ended', async () => {
    const wanted = { ...request(), id: randomUUID() }
    await opened.queue.add(wanted)
    await untilDone(wanted.id)
    // The same, through our own add: its check sees nothing.
    const late: BullQueue = new Proxy(bull, {
      get: (queue, name) => (name === 'getJob' ? async () => undefined : bound(queue, name)),
    })
    expect(await addRequest(late, wanted)).toMatchObject({ id: wanted.id })
    expect(await bull.getDeduplicationJobId(deduplicationId(wanted))).toBeNull()
    expect(timesOf(wanted.id)).toBe(1)
  })

  test('of a request that ends at once isn’t looked for twice: it runs once', async () => {
    const wanted = request()
    for (let n = 0; n < 3; n += 1) {
      // The answer to the add comes when the request has long been done.
      const slow: BullQueue = new Proxy(bull, {
        get(queue, name) {
          if (name !== 'add') return bound(queue, name)
          return async (...args: Parameters<BullQueue['add']>) => {
            const job = await queue.add(...args)
            await untilDone(String(job.id))
            return job
          }
        },
      })
      const before = ran.length
      const { id, absorbed } = await addRequest(slow, wanted)
      expect(absorbed).toBe(false)
      await untilDone(id)
      expect(ran.slice(before)).toEqual([id])
    }
  })
})

function bound(queue: BullQueue, name: string | symbol): unknown {
  const value: unknown = Reflect.get(queue, name)
  return typeof value === 'function' ? value.bind(queue) : value
}
