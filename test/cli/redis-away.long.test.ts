import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect } from 'vitest'
import { sandboxTest as test } from '../fixtures/sandbox-test.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { redisServer, startRedis } from '../services/start-redis.ts'
import { openHome, run, startWorker } from './run-command.ts'

describe.runIf(hasPostgres && redisServer)('while Redis is away', () => {
  test('a worker that receives SIGTERM ends, also during a run', async ({ sandbox }) => {
    await using redis = await startRedis()
    await using database = await createDatabase()
    await using home = await openHome(sandbox, 'without-redis')
    sandbox.hasura.fault({ operationName: 'PullUsers' }, { kind: 'hang' })
    const env = { ...home.env, DATABASE_URL: database.url, REDIS_URL: redis.url }
    await using worker = await startWorker(env)
    const pulls = () => sandbox.hasura.requests.filter(request => request.operationName === 'PullUsers')
    await expect.poll(() => pulls().length).toBeGreaterThan(0)
    await redis.kill()
    worker.kill('SIGTERM')
    const { code } = await worker.ended
    expect(code).toBe(0)
  })

  test('a command whose Redis accepts connections and stays silent does everything that needs no Redis', async ({
    sandbox,
  }) => {
    await using database = await createDatabase()
    await using home = await openHome(sandbox, 'silent-redis')
    const silent = createServer(socket => void socket.on('error', () => {})).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const address = silent.address()
    const host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const env = { ...home.env, DATABASE_URL: database.url, REDIS_URL: `redis://:canary@${host}` }
    expect(await run(env, 'runs')).toMatchObject({ code: 0, err: '' })
    // What is accepted is in the store: a worker finds it without a ticket.
    const { code, out } = await run(env, 'enqueue', 'sync-users', '--json')
    expect(code).toBe(0)
    const { id } = JSON.parse(out)
    silent.close()
    await using worker = await startWorker({ ...env, REDIS_URL: '' })
    await expect
      .poll(async () =>
        JSON.parse((await run(env, 'runs', '--json')).out).some((each: { requestId: string }) => each.requestId === id),
      )
      .toBe(true)
    worker.kill('SIGTERM')
    await worker.ended
  })
})
