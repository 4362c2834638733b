import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { NotFoundError } from '../../src/errors.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { letIn } from '../fixtures/let-in.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { hasPostgres } from '../services/postgres.ts'
import { hasRedis } from '../services/redis.ts'
import { startPostgres } from '../services/start-postgres.ts'
import { startRedis } from '../services/start-redis.ts'

async function ask(base: string, path: string) {
  const response = await fetch(`${base}${path}`)
  return { status: response.status, body: await response.json(), retryAfter: response.headers.get('retry-after') }
}

describe('health', () => {
  test('is live and ready for everybody, on embedded parts', async () => {
    await using app = await openTestApp({ jobs: [], clients: [{ clientId: 'default' }] })
    const http = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
    const url = await http.listen({ host: '127.0.0.1', port: 0 })
    expect(await ask(url, '/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } })
    expect(await ask(url, '/health/ready')).toMatchObject({ status: 200, body: { status: 'ok' } })
    await http.close()
  })

  test('answers what is under way when it closes, and is closed all the same by what never ends', async () => {
    await using app = await openTestApp({ jobs: [], clients: [{ clientId: 'default' }] })
    const answering = Promise.withResolvers<void>()
    const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let asked = 0
    const operations = {
      ...app.operations,
      ping: () => answering.promise,
      async getRequest() {
        arrived[asked++]?.resolve()
        await (asked === 1 ? answering.promise : new Promise(() => {}))
        throw new NotFoundError('There is no request')
      },
    }
    const http = createHttp({ operations, authorize: letIn, log: app.logged.log })
    const url = await http.listen({ host: '127.0.0.1', port: 0 })
    const answered = ask(url, '/requests/first')
    await arrived[0]?.promise
    const unanswered = ask(url, '/requests/second').catch(() => 'cut off')
    await arrived[1]?.promise
    const closed = http.close()
    answering.resolve()
    expect(await answered).toMatchObject({ status: 404 })
    expect(await unanswered).toBe('cut off')
    await closed
  })

  test.runIf(hasPostgres && hasRedis)('says what is away, stays live, and is ready again when it is back', async () => {
    await using sandbox = await openSandbox({ hasura: { seed: false } })
    await using postgres = await startPostgres()
    await using redis = await startRedis()
    const env = { DATABASE_URL: postgres.url, REDIS_URL: redis.url }
    await using app = await openTestApp({ sandbox, jobs: [], env, backend: 'redis' })
    const http = createHttp({
      operations: app.operations,
      authorize: letIn,
      log: app.logged.log,
    })
    const url = await http.listen({ host: '127.0.0.1', port: 0 })
    expect((await ask(url, '/health/ready')).status).toBe(200)

    // A statement under way fails with its connection, and nothing else does.
    const asleep = sql`select pg_sleep(60)`.execute(app.deps.store)
    const active = sql`select from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'`
    await expect.poll(async () => (await active.execute(app.deps.store)).rows).toHaveLength(1)
    await Promise.all([postgres.kill(), expect(asleep).rejects.toThrow()])
    await expectUnready(url, 'store', /^Postgres can't be reached, the connection was refused/)
    expect((await ask(url, '/health/live')).status).toBe(200)
    expect(await ask(url, '/requests/any')).toMatchObject({ status: 503, retryAfter: '5', body: { code: 'store' } })
    await postgres.start()
    await expect.poll(async () => (await ask(url, '/health/ready')).status).toBe(200)

    await redis.kill()
    await expectUnready(url, 'queue', /^Redis does not answer, the connection was refused/)
    await redis.start()
    await expect.poll(async () => (await ask(url, '/health/ready')).status).toBe(200)

    // Neither has to refuse: it may accept connections and stay silent. The answer comes while it does.
    for (const [service, code] of [
      [postgres, 'store'],
      [redis, 'queue'],
    ] as const) {
      service.pause()
      expect(await ask(url, '/health/ready')).toMatchObject({ status: 503, retryAfter: '5', body: { code } })
      service.resume()
      await expect.poll(async () => (await ask(url, '/health/ready')).status).toBe(200)
    }
    // However often somebody asks during an outage, the log doesn't grow with it.
    expect(app.logged.lines.filter(({ level, url: asked }) => level !== 'debug' && asked !== undefined)).toEqual([])
    await http.close()
  })
})

/** @param detail of the state that lasts: a connection that is still closing is told first */
async function expectUnready(url: string, code: string, detail: RegExp): Promise<void> {
  await expect
    .poll(() => ask(url, '/health/ready'))
    .toEqual({
      status: 503,
      retryAfter: '5',
      body: expect.objectContaining({ code, detail: expect.stringMatching(detail) }),
    })
}
