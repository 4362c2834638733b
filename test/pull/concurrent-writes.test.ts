import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect } from 'vitest'
import type { Backend } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { openPool } from '../services/open-pool.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const columns = 'id int primary key, title text, updated_at timestamptz not null default now()'

const test = tableTest
  .extend('backend', (): Backend => 'postgres')
  .extend('source', { scope: 'file' }, async ({ closing }) => closing.use(await createDatabase()))
  .extend('sandboxOptions', { scope: 'file' }, ({ source }) => ({ hasura: { databaseUrl: source.url } }))
  /** Somebody with a transaction that stays open until told. */
  .extend('begin', ({ source }) => async (): Promise<pg.Client & AsyncDisposable> => {
    const client = new pg.Client({ connectionString: source.url })
    await client.connect()
    await client.query('begin')
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
  })
  .extend(
    'fill',
    ({ app }) =>
      ({ name }: SourceTable, from: number, to: number, at = 'clock_timestamp()') =>
        app.hasura.sql(`insert into ${name} select n, 'row ' || n, ${at} from generate_series(${from}, ${to}) n`),
  )
  .extend('addCrowd', ({ fill, app }) => async (table: SourceTable) => {
    await fill(table, 1, 100_000, "'2026-01-01 00:00:00.000001+00'")
    await app.hasura.sql(`create index on ${table.name} (updated_at, id); analyze ${table.name}`)
  })
  .extend(
    'changeSome',
    ({ app }) =>
      ({ name }: SourceTable) =>
        app.hasura.sql(`update ${name} set title = 'changed', updated_at = now() where id % 10000 = 0`),
  )

describe.runIf(hasPostgres)('a pull of a table that others write', () => {
  test.for([{ sweep: true }, {}])(
    'neither waits in a dry run for one that makes its mirror table, nor lets it wait (%o)',
    async (payload, { sandbox, fill, app, account }) => {
      const table = await sandbox.createTable({ columns })
      await fill(table, 1, 20)
      await runPull(app, table.pull(), account)
      await fill(table, 21, 22)
      const lock = sql`hashtext(${`mirror.${table.name}`})`
      await app.deps.store.connection().execute(async other => {
        await sql`select pg_advisory_lock(${lock})`.execute(other)
        const dryRun = runPull(app, table.pull(), account, { dryRun: true, payload })
        await expect(dryRun).resolves.toMatchObject({ counts: { inserted: 2 } })
        await sql`select pg_advisory_unlock(${lock})`.execute(other)
      })
    },
  )

  test('finds what a transaction committed after the scan that was opened before it', async ({
    begin,
    sandbox,
    fill,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({ columns })
    const job = table.pull({ pageSize: 4 })
    await fill(table, 1, 10)
    await using writer = await begin()
    await writer.query(`insert into ${table.name} (id, title) values (100, 'late')`)
    await writer.query(`update ${table.name} set title = 'late', updated_at = now() where id = 5`)
    await fill(table, 11, 20)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 20 } })
    await expectMirrored(app, table, account)
    await writer.query('commit')
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1, updated: 1 } })
    await expectMirrored(app, table, account)
  })

  test('finds what was committed after the page that it was reading', async ({
    begin,
    sandbox,
    fill,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({ columns })
    const job = table.pull({ pageSize: 4 })
    await using writer = await begin()
    await writer.query(`insert into ${table.name} (id, title) values (100, 'late')`)
    await fill(table, 1, 20)
    let committed: Promise<unknown> | undefined
    await runPull(app, job, account, {
      onProgress() {
        committed ??= writer.query('commit')
      },
    })
    await committed
    await runPull(app, job, account)
    await expectMirrored(app, table, account)
  })

  test('finds a number that was drawn before the greatest one and committed after it', async ({
    begin,
    sandbox,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({ columns: 'id int primary key, revision bigserial', cursor: 'revision' })
    const job = table.pull({ lookback: 10 })
    await using writer = await begin()
    await writer.query(`insert into ${table.name} (id) values (1)`)
    await app.hasura.sql(`insert into ${table.name} (id) values (2), (3)`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 2 } })
    await writer.query('commit')
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1 } })
    await expectMirrored(app, table, account)
  })

  test('misses nothing of what many write while it reads', async ({ source, sandbox, fill, app, account }) => {
    const table = await sandbox.createTable({ columns })
    const job = table.pull({ pageSize: 7 })
    await fill(table, 1, 100)
    const pool = openPool(source.url, 4)
    let isWriting = true
    const write = async (writer: number) => {
      for (let n = 0; n < 60; n += 1) {
        const id = 1 + ((n * 37 + writer * 11) % 100)
        await pool.query(`update ${table.name} set title = $1, updated_at = now() where id = $2`, [
          `${writer}/${n}`,
          id,
        ])
        await pool.query(`insert into ${table.name} (id) values ($1)`, [1_000 * (writer + 1) + n])
      }
    }
    const written = Promise.all([0, 1, 2, 3].map(write)).finally(() => {
      isWriting = false
    })
    while (isWriting) await runPull(app, job, account)
    await written
    await pool.end()
    await runPull(app, job, account)
    await expectMirrored(app, table, account)
  })

  test('ends, though a row changes more often than it asks for a page', async ({
    source,
    sandbox,
    fill,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({ columns })
    await fill(table, 1, 20)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now()`)
    const pool = openPool(source.url, 3)
    const stopped = new AbortController()
    const write = async () => {
      while (!stopped.signal.aborted) {
        await pool.query(`update ${table.name} set updated_at = clock_timestamp() where id = 1`)
      }
    }
    const written = Promise.all([write(), write(), write()])
    try {
      const result = await runPull(app, table.pull(), account, { signal: AbortSignal.timeout(4_000) })
      expect(result).toMatchObject({ counts: { inserted: 0 } })
      expect('counts' in result && result.counts?.read).toBeLessThan(100)
    } finally {
      stopped.abort()
      await written
      await pool.end()
    }
  })

  test('takes rows from the year 2099 and from the beginning and the end of time, and is not held up by them', async ({
    sandbox,
    fill,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({ columns })
    const job = table.pull({ pageSize: 2 })
    await fill(table, 1, 5)
    for (const [n, at] of ['-infinity', 'infinity', '2099-12-31 23:59:59.999999+00', '294276-12-31'].entries()) {
      await fill(table, 10 * (n + 1), 10 * (n + 1) + 4, `'${at}'`)
    }
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 25 } })
    await expectMirrored(app, table, account)
    await fill(table, 100, 104)
    await app.hasura.sql(`update ${table.name} set title = 'changed' where updated_at > now() + interval '1 day'`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 5, updated: 15 } })
    await expectMirrored(app, table, account)
    // What comes at the beginning of time no cursor finds; a complete read does.
    await fill(table, 200, 204, "'-infinity'")
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({
      counts: { inserted: 5, updated: 0 },
    })
    await expectMirrored(app, table, account)
  })

  test('loads a hundred thousand rows of one instant by their key, and never again', async ({
    sandbox,
    addCrowd,
    app,
    account,
    changeSome,
  }) => {
    const table = await sandbox.createTable({ columns })
    const job = table.pull()
    await addCrowd(table)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 100_000, inserted: 100_000 } })
    await expectMirrored(app, table, account)
    await changeSome(table)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 10, updated: 10 } })
    await expectMirrored(app, table, account)
  })

  test('scans a hundred thousand rows of one instant page by page, and never again', async ({
    sandbox,
    app,
    account,
    addCrowd,
    changeSome,
  }) => {
    const table = await sandbox.createTable({ columns })
    const job = table.pull({ sweep: false })
    await runPull(app, job, account)
    // As if that had been just before the rows came.
    await app.deps.store
      .updateTable('worker.checkpoints')
      .set({ scanned_at: '2026-01-01T00:00:00.000Z' })
      .where('job', '=', job.name)
      .execute()
    await addCrowd(table)
    expect(await runPull(app, job, account)).toMatchObject({
      from: expect.any(String),
      counts: { read: 100_000, inserted: 100_000 },
    })
    await expectMirrored(app, table, account)
    await changeSome(table)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 10, updated: 10 } })
    await expectMirrored(app, table, account)
  })
})
