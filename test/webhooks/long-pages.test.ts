import { describe, expect } from 'vitest'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { openSubscription, openWebhooks } from './open-webhooks.ts'

const test = sandboxTest.extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })

/** Rows whose messages have up to 65 kB. */
const rowsOf = (count: number, digits: number) =>
  Array.from({ length: count }, (_, at) => ({ id: String(at).padStart(3, '0'), n: '1'.repeat(digits) }))

describe.each(stores)('a page of several messages on %s', backend => {
  let opened: Awaited<ReturnType<typeof openWebhooks>>
  test.beforeAll(async ({ sandbox }) => {
    opened = await openWebhooks(backend, sandbox)
  })
  test.afterAll(() => opened[Symbol.asyncDispose]())
  const open = () => openSubscription(opened.app, opened.env, { rows: true })

  test('moves on with each message that its receiver accepts, however few those are in a run', async () => {
    await using hook = await open()
    await hook.write({ rows: rowsOf(13, 20_000) })
    let accepted = 0
    hook.receiver.answer(response => {
      accepted += 1
      response.writeHead(accepted % 3 === 0 ? 503 : 204).end()
    })
    for (let runs = 0; runs < 3; runs += 1) {
      await hook.deliver()
      await hook.pass(600)
    }
    expect(await hook.requests()).toMatchObject([{ state: 'done' }])
    const sent = hook.receiver.received.map(({ data }) => data.changes.map(({ key }) => key.id).join())
    const [third, fifth] = ['006,007,008', '012']
    expect(sent).toEqual(['000,001,002', '003,004,005', third, third, '009,010,011', fifth, fifth])
    expect(new Set(hook.receiver.received.map(({ id }) => id)).size).toBe(5)
  })

  test('does not park a webhook whose receiver accepts some of it every few hours', async () => {
    await using hook = await open()
    const count = 17
    await hook.write({ rows: rowsOf(count, 40_000) })
    hook.receiver.answer(response => {
      response.writeHead(hook.receiver.received.length % 2 === 0 ? 503 : 204).end()
    })
    for (let runs = 0; runs < count; runs += 1) {
      await hook.deliver()
      await hook.pass(5 * 3_600)
    }
    expect(await hook.requests()).toMatchObject([{ state: 'done' }])
    expect(hook.receiver.received).toHaveLength(2 * count - 1)
  })

  test('gives way to other lines between its messages, and is continued', async () => {
    await using hook = await open()
    await hook.write({ rows: rowsOf(7, 20_000) })
    const clock = new VirtualClock(Date.now())
    const job: JobDefinition = hook.webhook
    opened.app.addJob({ ...job, run: (session, context) => job.run(session, { ...context, clock }) })
    hook.receiver.answer(response => {
      clock.advance(10_000)
      // Turns don't get longer when somebody corrects the machine's clock.
      clock.correct(-10_000)
      response.writeHead(204).end()
    })
    const sent: number[] = []
    while ((await hook.requests()).some(({ state }) => state === 'waiting')) {
      await hook.deliver()
      sent.push(hook.receiver.received.length)
    }
    expect(sent).toEqual([1, 2, 3, 3])
  })

  test('is sent again with the same ids, wherever the page begins that has them then', async () => {
    await using hook = await open()
    // The first page has 200, so it ends within the fourth message.
    await hook.write({ rows: rowsOf(260, 1_000) })
    hook.receiver.answer(response =>
      hook.receiver.received.length === 4 ? response.destroy() : response.writeHead(204).end(),
    )
    while ((await hook.requests()).some(({ state }) => state === 'waiting')) {
      await hook.deliver()
      await hook.pass(600)
    }
    const ids = hook.receiver.received.map(({ id }) => id)
    expect(ids.map(id => ids.indexOf(id))).toEqual([0, 1, 2, 3, 3, 5])
  })
})
