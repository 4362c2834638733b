import { expect, test } from 'vitest'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { backends } from '../fixtures/open-test-app.ts'
import { openSubscription, openWebhooks } from './open-webhooks.ts'

/** More than an account has runs at a time, and more than this process. */
const many = 6

test.each(backends)(
  'however many receivers are slow, the account’s other jobs run and its other receivers get their messages: %s',
  async backend => {
    await using sandbox = await openSandbox({ hasura: { seed: false } })
    await using hooks = await openWebhooks(backend, sandbox)
    const account = hooks.app.addAccount()
    await using opened = new AsyncDisposableStack()
    const open = async () => opened.use(await openSubscription(hooks.app, hooks.env, { account }))
    const answered = Promise.withResolvers<void>()
    const slow = await Promise.all(Array.from({ length: many }, open))
    for (const { receiver } of slow) {
      receiver.answer(async response => {
        await answered.promise
        response.writeHead(204).end()
      })
    }
    const fast = await open()
    await using _serving = await hooks.app.serve({ slots: 2 })
    const { operations } = hooks.app
    const write = (job: string, id: string) =>
      operations.makeRequest({ job, account, payload: { rows: [{ id, n: '1' }] } })
    for (const { writer } of slow) await write(writer.name, 'a')
    await expect.poll(() => slow.map(({ receiver }) => receiver.received.length)).toEqual(slow.map(() => 1))
    for (const id of ['a', 'b', 'c']) {
      const { id: request } = await write(fast.writer.name, id)
      await expect.poll(() => operations.getRequest({ id: request })).toMatchObject({ state: 'done' })
      await expect.poll(() => fast.receiver.received.at(-1)?.data.changes.at(-1)?.key.id).toBe(id)
    }
    const requests = () => Promise.all(slow.map(hook => hook.requests()))
    for (const own of await requests()) expect(own).toContainEqual(expect.objectContaining({ state: 'running' }))
    answered.resolve()
    await expect
      .poll(async () => new Set((await requests()).flat().map(({ state }) => state)))
      .toEqual(new Set(['done']))
  },
)
