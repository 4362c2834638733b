import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { bareEnvironment } from '../fixtures/bare-environment.ts'
import { openSandbox } from '../fixtures/open-sandbox.ts'
import { mainPath, wikiProject } from '../fixtures/wiki-project.ts'
import { openPool } from '../services/open-pool.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { createRedis, hasRedis } from '../services/redis.ts'

const rows = 12_000

describe.runIf(hasPostgres && hasRedis)('three workers on Postgres and Redis', () => {
  let workers: ChildProcess[] = []
  afterEach(async () => {
    const running = workers.filter(worker => worker.exitCode === null && worker.signalCode === null)
    workers = []
    for (const worker of running) worker.kill('SIGKILL')
    await Promise.all(running.map(worker => once(worker, 'exit')))
  })

  const startWorker = (env: Record<string, string>) => {
    const worker = spawn(process.execPath, [mainPath, 'worker'], {
      cwd: wikiProject.folder,
      env: { ...bareEnvironment, PORT: '0', LOG_LEVEL: 'error', ...env },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    workers.push(worker)
    return worker
  }

  test('when the process that syncs is killed, another resumes from its checkpoint within seconds', async () => {
    await using database = await createDatabase()
    await using redis = await createRedis()
    await using sandbox = await openSandbox({
      clients: [{ clientId: 'worker', clientSecret: 'secret', roles: ['viewer'], email: 'worker@wiki.example' }],
    })
    const { hasura, idp } = sandbox
    await hasura.sql(`insert into articles (topic_id, title, status, revision, updated_at)
      select 'b0000000-0000-4000-8000-000000000001', 'Bulk ' || n, 'published', 9007199254740993 + n,
        timestamptz '2025-09-01 00:00:00.000001+00' + (n / 250) * interval '1 second 1 microsecond'
      from generate_series(1, ${rows}) n`)
    const pool = openPool(database.url, 2)
    const select = async (text: string) => (await pool.query<Record<string, unknown>>(text)).rows
    try {
      for (let n = 0; n < 3; n += 1) {
        startWorker({
          DATABASE_URL: database.url,
          REDIS_URL: redis.url,
          OIDC_ISSUER: idp.issuer,
          CLIENT_ID: 'worker',
          CLIENT_SECRET: 'secret',
          HASURA_URL: hasura.url,
        })
      }
      const holder = () =>
        select(`select p.pid from worker.leases l join worker.processes p on p.id = l.process
          where l.job = 'sync-articles' and (select count(*) from mirror.articles) > ${rows / 10}
            and exists (select from worker.full_reads f where f.account = l.account and f.job = l.job)`).catch(() => [])
      await expect.poll(async () => (await holder()).length).toBe(1)
      const [held] = await holder()
      const killed = workers.find(worker => worker.pid === held?.pid) ?? expect.fail('the holder is one of ours')
      killed.kill('SIGKILL')
      await once(killed, 'exit')
      const [left] = await select('select count(*)::int as mirrored from mirror.articles')
      expect(left?.mirrored).toBeLessThan(rows)

      const runs = () =>
        select("select state, started_at, counts from worker.runs where job = 'sync-articles' order by seq")
      await expect.poll(async () => (await runs()).length).toBeGreaterThan(1)
      const [first] = await runs()
      expect(first?.state).toBe('interrupted')
      await expect.poll(async () => (await runs()).at(-1)?.state).toBe('succeeded')

      const digest = (table: string, where: string) => `
        select count(*)::int as rows, md5(string_agg(id::text || title || revision::text ||
          coalesce(rating::text, '') || coalesce(metadata::text, '') || (updated_at at time zone 'utc')::text, ',' order by id)) as digest
        from ${table} where ${where}`
      expect(await select(digest('mirror.articles', '_deleted_at is null'))).toEqual(
        await hasura.sql(digest('articles', "status = 'published'")),
      )
      // What the killed one had committed wasn't read again.
      const [, resumed] = await runs()
      expect(resumed?.counts).toMatchObject({ updated: 0 })
      const { inserted, unchanged } = Object(resumed?.counts)
      expect(inserted).toBeLessThan(rows)
      expect(unchanged).toBe(0)

      const overlaps = await select(`
        select a.id, b.id as other from worker.runs a join worker.runs b
          on a.account = b.account and a.job = b.job and a.seq < b.seq
        where a.state <> 'waiting' and b.started_at < coalesce(a.finished_at, 'infinity')`)
      expect(overlaps).toEqual([])
    } finally {
      await pool.end()
    }
  })
})
