import { Client } from 'pg'
import { describe, expect } from 'vitest'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { hasPostgres } from '../services/postgres.ts'
import { startPostgres } from '../services/start-postgres.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'
import { openHome, start, startWorker, untilReady } from './run-command.ts'

/** Who starts processes kills them so long after SIGTERM, by default. */
const promisedMs = 10_000

const test = sandboxTest
  /** A worker in the middle of a run. */
  .extend('open', ({ sandbox }) => async (name: string) => {
    const opened = new AsyncDisposableStack()
    const postgres = opened.use(await startPostgres())
    const redis = opened.use(await startRedis())
    const home = opened.use(await openHome(sandbox, name))
    const earlier = sandbox.hasura.requests.length
    sandbox.hasura.fault({ operationName: 'PullUsers' }, { kind: 'hang' })
    const worker = opened.use(await startWorker({ ...home.env, DATABASE_URL: postgres.url, REDIS_URL: redis.url }))
    await expect
      .poll(() => sandbox.hasura.requests.slice(earlier).some(({ operationName }) => operationName === 'PullUsers'))
      .toBe(true)
    return { postgres, redis, worker, [Symbol.asyncDispose]: () => opened.disposeAsync() }
  })

describe.runIf(hasPostgres && redisServer)('a worker whose services', () => {
  test.for([
    { silent: 'Postgres', services: ['postgres'] as const },
    { silent: 'Redis', services: ['redis'] as const },
    { silent: 'both', services: ['postgres', 'redis'] as const },
  ])('stay silent ends within 10 s of SIGTERM: $silent', async ({ silent, services }, { open }) => {
    await using parts = await open(`silent-${silent.toLowerCase()}`)
    for (const service of services) parts[service].pause()
    const askedAt = performance.now()
    parts.worker.kill('SIGTERM')
    const { code, err } = await parts.worker.ended
    expect({ code, inTime: performance.now() - askedAt < promisedMs }).toEqual({ code: 0, inTime: true })
    // Nobody but the worker's own log writes there.
    expect(err.split('\n').filter(line => line !== '' && !line.startsWith('{'))).toEqual([])
  })

  test('are not there yet says so once and starts when they are; until then SIGTERM ends it', async ({ sandbox }) => {
    await using postgres = await startPostgres()
    await using redis = await startRedis()
    await using home = await openHome(sandbox, 'early')
    await Promise.all([postgres.stop(), redis.stop()])
    const env = { PORT: '0', ...home.env, DATABASE_URL: postgres.url, REDIS_URL: redis.url }
    const waiting = (worker: { err(): string }) => worker.err().split('waiting for the store').length - 1
    await using stopped = start(env, ['worker'])
    await using worker = start(env, ['worker'])
    await expect.poll(() => [waiting(stopped), waiting(worker)]).toEqual([1, 1])
    stopped.kill('SIGTERM')
    expect(await stopped.ended).toMatchObject({
      code: 0,
      err: expect.stringContaining('stopping (SIGTERM was received): the store has not become available'),
    })
    await Promise.all([postgres.start(), redis.start()])
    await untilReady(worker)
    expect(waiting(worker)).toBe(1)
    worker.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
  })

  test('refuse a statement of its start says so once and starts when they no longer do', async ({ sandbox }) => {
    await using postgres = await startPostgres()
    await using redis = await startRedis()
    await using home = await openHome(sandbox, 'locked')
    const env = { PORT: '0', ...home.env, DATABASE_URL: postgres.url, REDIS_URL: redis.url }
    expect((await start(env, ['migrate']).ended).code).toBe(0)
    const other = new Client({ connectionString: postgres.url })
    await other.connect()
    await other.query('begin')
    await other.query('lock table worker.schedules in access exclusive mode')
    await using worker = start(env, ['worker'])
    await expect.poll(() => worker.err()).toContain('waiting for the store')
    await other.end()
    await untilReady(worker)
    expect(worker.err().split('waiting for the store')).toHaveLength(2)
    worker.kill('SIGTERM')
    expect((await worker.ended).code).toBe(0)
  })

  test('refuse its words ends with 2', async ({ sandbox }) => {
    await using postgres = await startPostgres()
    await using home = await openHome(sandbox, 'no-database')
    const { code, err } = await start(
      { PORT: '0', ...home.env, DATABASE_URL: postgres.url.replace(/postgres$/, 'absent') },
      ['worker'],
    ).ended
    expect(err).toContain('has no database of the name in DATABASE_URL')
    expect(code).toBe(2)
  })
})
