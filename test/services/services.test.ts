import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { createServiceFolder, LocalService } from './local-service.ts'
import { createDatabase, hasPostgres } from './postgres.ts'
import { createRedis, hasRedis } from './redis.ts'
import { postgresServer, startPostgres } from './start-postgres.ts'
import { redisServer, startRedis } from './start-redis.ts'

describe.runIf(hasRedis)('createRedis', () => {
  test('gives an empty database that others don’t see', async () => {
    await using first = await createRedis()
    await using second = await createRedis()
    const redis = new Redis(first.url)
    const other = new Redis(second.url)
    await redis.set('key', 'value')
    expect(await other.get('key')).toBeNull()
    await first.drop()
    expect(await redis.dbsize()).toBe(0)
    await Promise.all([redis.quit(), other.quit()])
  })
})

describe.runIf(hasPostgres)('createDatabase', () => {
  test('gives a database of its own, which is gone after drop', async () => {
    const database = await createDatabase()
    expect(await query(database.url, 'select current_database() as answer')).toBe(
      new URL(database.url).pathname.slice(1),
    )
    await database.drop()
    await expect(query(database.url, 'select 1 as answer')).rejects.toThrow('does not exist')
  })
})

describe.runIf(redisServer)('startRedis', () => {
  test('can be stopped, started again, killed and frozen', async () => {
    await using server = await startRedis()
    const redis = new Redis(server.url, { lazyConnect: true, retryStrategy: () => null, commandTimeout: 200 })
    redis.on('error', () => undefined)
    await redis.connect()
    expect(await redis.ping()).toBe('PONG')
    server.pause()
    await expect(redis.ping()).rejects.toThrow('timed out')
    server.resume()
    await expect.poll(() => redis.ping()).toBe('PONG')
    for (const end of [() => server.stop(), () => server.kill()]) {
      await end()
      await expect(redis.ping()).rejects.toThrow()
      await server.start()
      await redis.connect()
      expect(await redis.ping()).toBe('PONG')
    }
    redis.disconnect()
  })
})

describe.runIf(postgresServer)('startPostgres', () => {
  test('keeps what was committed over a stop and a crash, also while frozen', async () => {
    await using server = await startPostgres()
    await query(server.url, 'create table kept (id int)')
    await query(server.url, 'insert into kept values (1)')
    await server.stop()
    await expect(query(server.url, 'select 1')).rejects.toThrow('ECONNREFUSED')
    await server.start()
    await query(server.url, 'insert into kept values (2)')
    await server.kill()
    await server.start()
    expect(await query(server.url, 'select count(*)::int as answer from kept')).toBe(2)

    const client = new Client({ connectionString: server.url })
    client.on('error', () => undefined)
    await client.connect()
    server.pause()
    let answered = false
    const answer = client.query('select 1').then(
      () => {
        answered = true
      },
      () => undefined,
    )
    // The freeze is only worth the name if a connection that was open before gets no answer either.
    await expect(vi.waitUntil(() => answered, { timeout: 300 })).rejects.toThrow()
    await server.stop()
    await answer
  })
})

describe.runIf(process.platform !== 'win32')('a local service', () => {
  test('ends with its starter, however that ends, and its folder with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hasura-sync-worker-starter-'))
    const starter = spawn(process.execPath, ['--input-type=module', '-e', STARTER, folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [output] = await once(starter.stdout, 'data')
    const pid = Number(String(output))
    expect(isAlive(pid)).toBe(true)
    starter.kill('SIGKILL')
    await expect.poll(() => isAlive(pid) || existsSync(folder)).toBe(false)
  })

  test('shows the last output of a server that doesn’t come up', async () => {
    await using service = await sleepingService(['-c', 'echo no such option >&2; exit 3'])
    await expect(service.start()).rejects.toThrow('A shell ended; its last output:\nno such option')
  })
})

async function sleepingService(args: string[]): Promise<LocalService> {
  const folder = await createServiceFolder('shell')
  return new LocalService({
    name: 'A shell',
    url: '',
    folder,
    command: '/bin/sh',
    args,
    stopSignal: 'TERM',
    isReady: async () => false,
  })
}

const STARTER = `
  import { LocalService } from ${JSON.stringify(new URL('./local-service.ts', import.meta.url).href)}
  const service = new LocalService({
    name: 'A sleeper', url: '', folder: process.argv[1], command: '/bin/sh', args: ['-c', 'exec sleep 600'],
    stopSignal: 'TERM', isReady: async () => true,
  })
  await service.start()
  console.log(service.pid)
`

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function query(connectionString: string, statement: string): Promise<unknown> {
  const client = new Client({ connectionString })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ answer: unknown }>(statement)
    return rows[0]?.answer
  } finally {
    await client.end()
  }
}
