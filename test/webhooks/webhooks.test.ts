import { sql } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { findSettingsRefusal } from '../../src/definitions/find-job-problems.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { newSecret, openSubscription, openWebhooks } from './open-webhooks.ts'

const test = sandboxTest.extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })

describe.each(stores)('a webhook on %s', backend => {
  let opened: Awaited<ReturnType<typeof openWebhooks>>
  test.beforeAll(async ({ sandbox }) => {
    opened = await openWebhooks(backend, sandbox)
  })
  test.afterAll(() => opened[Symbol.asyncDispose]())
  const open = (options: Parameters<typeof openSubscription>[2] = {}) =>
    openSubscription(opened.app, opened.env, options)

  test('is woken by a run that has written, and sends only keys and positions', async () => {
    await using hook = await open()
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    expect(await hook.requests()).toMatchObject([{ state: 'waiting' }])
    await hook.deliver()
    expect(hook.receiver.received.map(({ data }) => data)).toEqual([
      {
        webhook: hook.job,
        account: hook.account,
        table: hook.table.into,
        changes: [{ position: expect.any(String), op: 'upsert', key: { id: 'a' } }],
      },
    ])
    expect(await hook.requests()).toMatchObject([{ state: 'done' }])
    // Nothing has changed since, so nothing wakes it.
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    expect(await hook.requests()).toHaveLength(1)
    await hook.write({ deleted: ['a'] })
    await hook.deliver()
    expect(hook.receiver.received[1]?.data.changes).toMatchObject([{ op: 'delete', key: { id: 'a' } }])
  })

  test('sends rows where they were chosen, digit by digit', async () => {
    await using hook = await open({ rows: true })
    await hook.write({ rows: [{ id: 'a', n: '12345678901234567890.50', m: 2 }] })
    await hook.deliver()
    expect(hook.receiver.received[0]?.body).toContain('"row":{"id":"a","n":12345678901234567890.50,"m":2}')
    await hook.write({ deleted: ['a'] })
    await hook.deliver()
    expect(hook.receiver.received[1]?.data.changes[0]).not.toHaveProperty('row')
  })

  test('tells an observer what became of each message', async () => {
    await using hook = await open()
    for (const [n, status] of [200, 500, 410].entries()) {
      hook.receiver.answer(response => response.writeHead(status).end())
      await hook.write({ rows: [{ id: 'a', n: String(n) }] })
      await hook.deliver()
      await opened.app.operations.probeHolds({ account: hook.account })
    }
    const outcomes = opened.messages.flatMap(({ job, outcome }) => (job === hook.job ? outcome : []))
    expect(outcomes).toEqual(['delivered', 'failed', 'gone'])
  })

  test('signs with two secrets while one is replaced', async () => {
    await using hook = await open()
    const next = newSecret()
    opened.env[`${hook.variable}_SECRET`] = next
    opened.env[`${hook.variable}_PREVIOUS_SECRET`] = hook.secret
    await hook.write({ rows: [{ id: 'a', n: null }] })
    await hook.deliver()
    const [{ body, headers } = { body: '', headers: {} }] = hook.receiver.received
    new Webhook(next).verify(body, z.record(z.string(), z.string()).parse(headers))
  })

  test('waits as long as the receiver asks, under a hold that stops nothing else, then sends the same message', async () => {
    await using hook = await open()
    hook.receiver.answer(response => response.writeHead(503, { 'retry-after': '600' }).end())
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.deliver()
    expect(await hook.holds()).toMatchObject([{ job: hook.job, code: 'webhook' }])
    expect(await hook.secondsToProbe()).toBe(600)
    await hook.deliver()
    expect(hook.receiver.received).toHaveLength(1)
    await hook.pass(600)
    hook.receiver.answer(response => response.writeHead(200).end('thanks'))
    await hook.deliver()
    const [first, second] = hook.receiver.received
    expect(second).toMatchObject({ id: first?.id, body: first?.body })
    expect([await hook.holds(), await hook.requests()]).toMatchObject([[], [{ state: 'done' }]])
  })

  test('follows no redirect', async () => {
    await using hook = await open()
    await using other = await open()
    hook.receiver.answer(response => response.writeHead(307, { location: other.receiver.url }).end())
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.deliver()
    expect(other.receiver.received).toEqual([])
    expect(await hook.holds()).toMatchObject([{ code: 'webhook' }])
  })

  test('ends with a 410, sends nothing more, and resumes when its request is retried', async () => {
    await using hook = await open()
    hook.receiver.answer(response => response.writeHead(410).end())
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.deliver()
    const [ended] = await hook.requests()
    expect(ended).toMatchObject({ state: 'failed', failedReason: expect.stringContaining('answered HTTP 410') })
    await hook.write({ rows: [{ id: 'b', n: '1' }] })
    await hook.deliver()
    expect(hook.receiver.received).toHaveLength(1)
    hook.receiver.answer(response => response.writeHead(204).end())
    await opened.app.operations.retryRequest({ id: ended?.id ?? '' })
    await hook.deliver()
    expect(hook.receiver.received[1]?.data.changes.map(({ key }) => key.id)).toEqual(['a', 'b'])
  })

  test('is live again at another address', async () => {
    await using hook = await open()
    await using other = await open({ secret: hook.secret })
    hook.receiver.answer(response => response.writeHead(410).end())
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.deliver()
    opened.env[`${hook.variable}_URL`] = other.receiver.url
    await hook.ask()
    await hook.deliver()
    expect(other.receiver.received).toHaveLength(1)
  })

  test('is tried for three days with growing pauses, then parked, and retried when an operator says so', async () => {
    await using hook = await open()
    hook.receiver.answer(response => response.writeHead(500).end())
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    const pauses: number[] = []
    let hours = 0
    for (;;) {
      await hook.deliver()
      const [{ state } = { state: '' }] = await hook.requests()
      if (state === 'failed') break
      const pause = (await hook.secondsToProbe()) ?? expect.fail('it is not held')
      pauses.push(pause)
      // Of the long plateau a few probes are enough.
      const passed = Math.max(pause, pauses.length > 8 ? 5 * 3_600 : 0)
      hours += passed / 3_600
      await hook.pass(passed)
    }
    expect(pauses.slice(0, 8)).toEqual([5, 10, 20, 40, 80, 160, 300, 300])
    expect(hours).toBeGreaterThanOrEqual(72)
    expect(hours).toBeLessThan(72 + 6)
    const attempts = hook.receiver.received.length
    const [parked] = await hook.requests()
    expect(parked).toMatchObject({ state: 'failed', failedReason: expect.stringContaining('is parked') })

    await hook.pass(600)
    await hook.write({ rows: [{ id: 'b', n: '1' }] })
    await hook.deliver()
    expect(hook.receiver.received).toHaveLength(attempts)
    hook.receiver.answer(response => response.writeHead(204).end())
    await opened.app.operations.retryRequest({ id: parked?.id ?? '' })
    await hook.deliver()
    expect(hook.receiver.received.at(-1)?.data.changes.map(({ key }) => key.id)).toEqual(['a', 'b'])
    expect(await hook.holds()).toEqual([])
  })

  test('is resumed once by a request, however often that is tried: it is parked again after three more days', async () => {
    await using hook = await open()
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    hook.receiver.answer(response => response.writeHead(500).end())
    await hook.deliverFor(80)
    expect(await hook.requests()).toMatchObject([{ state: 'failed' }])
    await hook.ask({ resume: true })
    await hook.deliverFor(70)
    expect(await hook.requests()).toMatchObject([{ state: 'failed' }, { state: 'waiting' }])
    await hook.deliverFor(10)
    expect(await hook.requests()).toMatchObject([{ state: 'failed' }, { state: 'failed' }])
  })

  test('is not parked because of days in which nothing was tried, as while the worker was stopped', async () => {
    await using hook = await open()
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    hook.receiver.answer(response => response.writeHead(500).end())
    await hook.deliver()
    await hook.pass(4 * 86_400)
    await hook.deliverFor(50)
    await hook.pass(4 * 86_400)
    await hook.deliverFor(25)
    expect(await hook.requests()).toMatchObject([{ state: 'waiting' }])
    await hook.deliverFor(10)
    expect(await hook.requests()).toMatchObject([{ state: 'failed' }])
  })

  test('is replayed from a position, with ids that its receiver does not know', async () => {
    await using hook = await open()
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.deliver()
    await hook.write({ rows: [{ id: 'b', n: '1' }] })
    await hook.deliver()
    const from = hook.receiver.received[0]?.data.changes[0]?.position ?? ''
    for (const after of [from, '0', '999999']) {
      await hook.ask({ after })
      await hook.deliver()
    }
    const sent = hook.receiver.received.map(({ data }) => data.changes.map(({ key }) => key.id).join())
    expect(sent).toEqual(['a', 'b', 'b', 'a,b'])
    expect(new Set(hook.receiver.received.map(({ id }) => id)).size).toBe(4)
  })

  test('is replayed once, also if the replay has ended between two messages and is retried', async () => {
    await using hook = await open({ rows: true })
    const digits = '1'.repeat(40_000)
    await hook.write({ rows: ['a', 'b'].map(id => ({ id, n: digits })) })
    await hook.deliver()
    hook.receiver.answer(response => response.writeHead(hook.receiver.received.length === 4 ? 410 : 204).end())
    const { id } = await hook.ask({ after: '0' })
    await hook.deliver()
    await opened.app.operations.retryRequest({ id })
    await hook.deliver()
    const sent = hook.receiver.received.map(({ data }) => data.changes.map(({ key }) => key.id).join())
    expect(sent).toEqual(['a', 'b', 'a', 'b', 'b'])
    expect(hook.receiver.received[4]?.id).toBe(hook.receiver.received[3]?.id)
  })

  test('reaches no private network that was not named, and says which setting names it', async () => {
    await using hook = await open()
    const hosts = opened.env.WEBHOOK_PRIVATE_HOSTS ?? ''
    opened.env.WEBHOOK_PRIVATE_HOSTS = 'another.example'
    await hook.write({ rows: [{ id: 'a', n: '1' }] })
    await hook.deliver()
    opened.env.WEBHOOK_PRIVATE_HOSTS = hosts
    expect(hook.receiver.received).toEqual([])
    expect((await hook.holds())[0]).toMatchObject({
      remedy: expect.stringContaining('WEBHOOK_PRIVATE_HOSTS=127.0.0.1'),
    })
  })

  test.each([
    ['_URL', 'http://search.example/hooks', 'ALLOW_INSECURE_HOSTS=search.example'],
    ['_URL', 'ftp://search.example/', 'set it to a URL'],
    ['_SECRET', 'canary', 'a secret is whsec_'],
    ['_PREVIOUS_SECRET', 'whsec_canary', 'a secret is whsec_'],
  ])('with %s %s is held before it sends anything', async (suffix, value, said) => {
    await using hook = await open()
    opened.env[`${hook.variable}${suffix}`] = value
    const { account } = opened.app.deps.accounts.get(hook.account) ?? expect.fail('no such account')
    const refusal = await findSettingsRefusal(hook.webhook, account, opened.app.deps.settings)
    expect(refusal?.message).toContain(said)
    expect(refusal?.message).not.toContain('canary')
    opened.env.ALLOW_INSECURE_HOSTS = 'search.example'
    const isAllowed = (await findSettingsRefusal(hook.webhook, account, opened.app.deps.settings)) === undefined
    expect(isAllowed).toBe(value.startsWith('http:'))
    opened.env.ALLOW_INSECURE_HOSTS = ''
  })

  test('leaves no secret and no row in what is logged and recorded', async () => {
    const secret = newSecret()
    await using hook = await open({ rows: true, secret })
    for (const status of [500, 204]) {
      hook.receiver.answer(response => response.writeHead(status).end(`canary-answer ${secret}`))
      await hook.write({ rows: [{ id: 'canary-row', n: String(status) }] })
      await hook.pass(600)
      await hook.deliver()
    }
    const { rows } = await sql<{ text: string }>`
      select (select string_agg(r::text, ' ') from worker.runs r) || coalesce((select string_agg(h::text, ' ') from worker.holds h), '')
        || (select string_agg(w::text, ' ') from worker.webhooks w) as text`.execute(opened.app.deps.store)
    const written = opened.app.logged.text() + rows[0]?.text
    for (const canary of ['canary-row', 'canary-answer', secret, secret.slice('whsec_'.length)]) {
      expect(written).not.toContain(canary)
    }
    expect(hook.receiver.received.at(-1)?.body).toContain('canary-row')
  })
})
