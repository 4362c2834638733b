import { randomUUID } from 'node:crypto'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { PermanentError } from '../../src/errors.ts'
import type { PullOptions } from '../../src/pull/pull-options.ts'
import { type PullJob, pullSync } from '../../src/pull/pull-sync.ts'
import { appTest } from '../fixtures/app-test.ts'
import { jumpingClock } from '../fixtures/jumping-clock.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { type PullRun, runPull } from '../fixtures/run-pull.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'

type Options = Partial<Pick<PullOptions<unknown, unknown>, 'pageSize' | 'lookback' | 'ranges'>>

interface Nested {
  articles: { id: string; updated_at: string; author: { id: string } | null; topic: object; links: object[] }[]
}
interface PageVariables {
  where: unknown
  order_by: unknown
  limit: number
}

/** A pull of the articles into a table of its own. */
interface Job {
  readonly name: string
  readonly table: string
  readonly job: PullJob<string>
}

const columns = `id::text, topic_id::text, title, body, status, revision::text, rating::text, metadata::text,
    (published_at at time zone 'utc')::text as published, (updated_at at time zone 'utc')::text as updated`

const test = appTest
  /** What the account's tokens go by. */
  .extend('clock', () => jumpingClock())
  .extend('account', ({ app, clock }) => app.addAccount({}, clock))
  /** A pull of its own table, so that tests don't see each other's rows. */
  .extend('newJob', ({ app }) => (options: Options = {}) => {
    const id = randomUUID().replaceAll('-', '')
    const job = pullSync({
      name: `sync-${id}`,
      document: pullArticlesDocument,
      role: 'viewer',
      key: 'id',
      cursor: 'updated_at',
      into: `articles_${id}`,
      ...options,
    })
    app.addJob(job)
    return { name: job.name, table: `articles_${id}`, job }
  })
  .extend(
    'run',
    ({ app, account }) =>
      ({ job }: { readonly job: JobDefinition }, options?: PullRun) =>
        runPull(app, job, account, options),
  )
  .extend(
    'source',
    ({ app }) =>
      () =>
        app.hasura.sql(`select ${columns} from articles where status = 'published' order by id`),
  )
  .extend('mirrorOf', ({ account, app }) => async ({ table }: Job) => {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.raw(columns)} from ${sql.table(`mirror.${table}`)} where _account = ${account} order by id`.execute(
      app.deps.store,
    )
    return rows
  })
  .extend(
    'checkpointOf',
    ({ app }) =>
      ({ name }: Job) =>
        app.deps.store.selectFrom('worker.checkpoints').selectAll().where('job', '=', name).executeTakeFirst(),
  )
  .extend(
    'visible',
    ({ source }) =>
      async () =>
        (await source()).length,
  )
  .extend(
    'insert',
    ({ app }) =>
      (title: string, updatedAt = 'now()') =>
        app.hasura.sql(`insert into articles (topic_id, title, status, updated_at)
      values ('b0000000-0000-4000-8000-000000000001', '${title}', 'published', ${updatedAt})`),
  )
  .extend(
    'pages',
    ({ app }) =>
      () =>
        app.hasura.requests.filter(request => request.operationName === 'PullArticles'),
  )
  /** Of each page asked for since then, the column that its rows are ordered by before all others. */
  .extend(
    'orderColumns',
    ({ pages }) =>
      (begun: number) =>
        pages()
          .slice(begun)
          .flatMap(({ variables }) => Object.keys(Object(Object(variables).order_by)[0] ?? {})),
  )

describe.each(stores)('a pull into %s', backend => {
  test.override('backend', backend)

  /** What takes real seconds and tells the databases not apart. */
  const testOnce = test.runIf(backend === 'embedded')

  test('makes the mirror equal to what the role sees, though its row limit is below the page', async ({
    newJob,
    visible,
    run,
    mirrorOf,
    source,
    checkpointOf,
  }) => {
    const job = newJob({ pageSize: 1_000 })
    const rows = await visible()
    expect(await run(job)).toMatchObject({ counts: { read: rows, inserted: rows, updated: 0, unchanged: 0, pages: 2 } })
    expect(await mirrorOf(job)).toEqual(await source())
    expect(await checkpointOf(job)).toMatchObject({
      position: null,
      scan_started_at: null,
      scanned_at: expect.any(String),
    })
  })

  test('loads a table of many pages by its key', async ({ newJob, pages, run, mirrorOf, source, orderColumns }) => {
    const job = newJob({ pageSize: 3 })
    const begun = pages().length
    await run(job)
    expect(await mirrorOf(job)).toEqual(await source())
    expect(new Set(orderColumns(begun))).toEqual(new Set(['id']))
  })

  test('steps over ties wider than a page', async ({
    newJob,
    run,
    pages,
    app,
    visible,
    mirrorOf,
    source,
    orderColumns,
  }) => {
    const job = newJob({ pageSize: 3 })
    await run(job)
    const begun = pages().length
    await app.hasura.sql("update articles set title = title || '~'")
    const rows = await visible()
    expect(await run(job)).toMatchObject({ counts: { read: rows, inserted: 0, updated: rows } })
    expect(await mirrorOf(job)).toEqual(await source())
    expect(new Set(orderColumns(begun))).toEqual(new Set(['updated_at']))
  })

  test('takes only what is new or changed the next time, and writes nothing twice', async ({
    newJob,
    run,
    insert,
    app,
    mirrorOf,
    source,
    checkpointOf,
  }) => {
    const job = newJob()
    await run(job)
    expect(await run(job)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    await insert(`new ${job.name}`)
    await app.hasura.sql("update articles set title = title || '!' where id = 'c0000000-0000-4000-8000-000000000001'")
    expect(await run(job)).toMatchObject({ counts: { inserted: 1, updated: 1 } })
    expect(await mirrorOf(job)).toEqual(await source())
    const { high } = (await checkpointOf(job)) ?? expect.fail()
    expect(await run(job)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    expect((await checkpointOf(job))?.high).toBe(high)
  })

  test('doesn’t read an old bulk import again and again', async ({ newJob, run, app }) => {
    const job = newJob({ lookback: 0 })
    await run(job)
    await sql`update worker.checkpoints set scanned_at = ${new Date().toISOString()} where job = ${job.name}`.execute(
      app.deps.store,
    )
    expect(await run(job)).toMatchObject({ counts: { read: 0, pages: 0 } })
  })

  test.for([{}, { rung: true }])(
    'finds what has changed after the clocks were ahead, with payload %o',
    async (payload, { newJob, run, app, insert, source, mirrorOf, checkpointOf }) => {
      const job = newJob()
      await run(job)
      await sql`update worker.checkpoints set scanned_at = '2099-01-01T00:00:00.000Z', rung_high = '2098-12-31T00:00:00Z'
        where job = ${job.name}`.execute(app.deps.store)
      await insert(`meanwhile ${job.name}`, "now() - interval '1 hour'")
      expect(await run(job, { payload })).toMatchObject({ counts: { inserted: 1 } })
      expect(await mirrorOf(job)).toEqual(await source())
      expect(Date.parse((await checkpointOf(job))?.scanned_at ?? '')).toBeLessThan(Date.parse('2098-01-01'))
    },
  )

  test('isn’t led astray by a row of the year 2099 or of no end', async ({
    insert,
    newJob,
    run,
    checkpointOf,
    mirrorOf,
    source,
    app,
  }) => {
    await insert('from the future', "'2099-01-01 00:00:00.000001+00'")
    await insert('for ever', "'infinity'")
    const job = newJob({ pageSize: 40 })
    try {
      await run(job)
      expect((await checkpointOf(job))?.high).toBe('infinity')
      await insert(`later ${job.name}`)
      expect(await run(job)).toMatchObject({ counts: { inserted: 1 } })
      expect(await mirrorOf(job)).toEqual(await source())
    } finally {
      await app.hasura.sql("delete from articles where title in ('from the future', 'for ever')")
    }
  })

  test('sees a row that changed while it read', async ({ newJob, run, app, mirrorOf, source }) => {
    const job = newJob({ pageSize: 20 })
    let changed: Promise<unknown> | undefined
    await run(job, {
      onProgress() {
        changed ??= app.hasura.sql(
          "update articles set title = title || '?' where id = (select id from articles where status = 'published' order by updated_at, id limit 1)",
        )
      },
    })
    await changed
    await run(job)
    expect(await mirrorOf(job)).toEqual(await source())
  })

  test('resumes after the last written page when a later one failed', async ({
    newJob,
    app,
    run,
    mirrorOf,
    checkpointOf,
    visible,
    source,
  }) => {
    const job = newJob({ pageSize: 20, ranges: 1 })
    const failThird = () =>
      app.hasura.fault(
        { operationName: 'PullArticles', after: 2, times: 1 },
        { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
      )
    failThird()
    await expect(run(job)).rejects.toThrow(PermanentError)
    expect(await mirrorOf(job)).toHaveLength(40)
    expect(await checkpointOf(job)).toBeUndefined()
    const rows = await visible()
    expect(await run(job)).toMatchObject({ counts: { inserted: rows - 40, updated: 0 } })
    expect(await mirrorOf(job)).toEqual(await source())

    await app.hasura.sql("update articles set title = title || '.'")
    failThird()
    await expect(run(job)).rejects.toThrow(PermanentError)
    const [last] = await app.hasura.sql(
      `select id::text from (select id, updated_at from articles where status = 'published' order by updated_at, id limit 40) t order by updated_at desc, id desc limit 1`,
    )
    expect((await checkpointOf(job))?.position).toEqual([expect.any(String), last?.id])
    // The scan began when its first page was read, however long ago that is.
    const begun = '2026-01-01T00:00:00.000Z'
    await sql`update worker.checkpoints set scan_started_at = ${begun} where job = ${job.name}`.execute(app.deps.store)
    expect(await run(job)).toMatchObject({ counts: { inserted: 0, updated: rows - 40 } })
    expect(await mirrorOf(job)).toEqual(await source())
    // So what has changed since then, less the lookback, is read after it.
    const asked = app.hasura.requests.filter(({ operationName }) => operationName === 'PullArticles')
    expect(JSON.stringify(asked.map(({ variables }) => variables))).toContain('2025-12-31T23:55:00')
  })

  testOnce(
    'comes through an answer cut off half way, HTML instead of JSON, a 503, an error of Hasura’s and a slow answer',
    async ({ newJob, app, run, mirrorOf, source }) => {
      const job = newJob({ pageSize: 20 })
      const faults = [
        { kind: 'cut-off' },
        { kind: 'html' },
        { kind: 'status', status: 503 },
        { kind: 'graphql-error', code: 'postgres-error', message: 'connection lost' },
        { kind: 'latency', ms: 200 },
        { kind: 'reset' },
      ] as const
      // One page each; the second try succeeds.
      for (const [index, fault] of faults.entries()) {
        app.hasura.fault({ operationName: 'PullArticles', after: index * 2, times: 1 }, fault)
      }
      await run(job)
      expect(await mirrorOf(job)).toEqual(await source())
    },
  )

  test('logs in again when its token expires on the way', async ({ newJob, clock, app, run, mirrorOf, source }) => {
    const job = newJob({ pageSize: 20, ranges: 1 })
    const before = app.idp.tokenRequests.length
    await run(job, { onProgress: () => clock.jump(300_000) })
    expect(app.idp.tokenRequests.length - before).toBeGreaterThan(2)
    expect(await mirrorOf(job)).toEqual(await source())
  })

  test('logs in again when Hasura takes its token no more', async ({ newJob, app, run, mirrorOf, source }) => {
    const job = newJob({ pageSize: 20 })
    app.hasura.fault(
      { operationName: 'PullArticles', after: 2, times: 1 },
      { kind: 'graphql-error', code: 'invalid-jwt', message: 'Could not verify JWT: JWTExpired' },
    )
    const before = app.idp.tokenRequests.length
    await run(job)
    expect(app.idp.tokenRequests.length - before).toBe(2)
    expect(await mirrorOf(job)).toEqual(await source())
  })

  testOnce(
    'waits under a hold when its role is revoked during a run, and resumes where it was when it is granted',
    async ({ newJob, clock, account, app, pages, mirrorOf, visible, source }) => {
      const job = newJob({ pageSize: 20, ranges: 1 })
      const slow = app.hasura.fault({ operationName: 'PullArticles' }, { kind: 'latency', ms: 400 })
      const begun = pages().length
      const serving = await app.serve()
      const { id } = await app.operations.makeRequest({
        job: job.name,
        account,
        payload: undefined,
        trigger: 'cli',
        caller: 'test',
      })
      await expect.poll(() => pages().length - begun).toBeGreaterThan(1)
      app.idp.setRoles(account, ['another'])
      clock.jump(300_000)
      const hold = async () =>
        (await app.operations.listHolds()).find(found => found.account === account && found.job === job.name)
      await expect.poll(hold).toMatchObject({ code: 'job-roles' })
      slow()
      const written = (await mirrorOf(job)).length
      expect(written).toBeGreaterThan(0)
      expect(written).toBeLessThan(await visible())
      app.idp.setRoles(account, ['viewer'])
      await expect.poll(async () => (await app.operations.getRequest({ id })).state).toBe('done')
      expect(await hold()).toBeUndefined()
      expect(await mirrorOf(job)).toEqual(await source())
      // What was written before isn't written again.
      const [last] = await app.operations.listRuns({ job: job.name, limit: 1 })
      expect(last?.counts?.inserted).toBeLessThanOrEqual((await visible()) - written)
      await serving[Symbol.asyncDispose]()
    },
  )

  test('continues when Hasura was down for a moment', async ({ newJob, run, app, mirrorOf, source }) => {
    const job = newJob({ pageSize: 20 })
    let back: Promise<void> | undefined
    await run(job, {
      onProgress() {
        back ??= app.hasura.stop().then(() => app.hasura.start())
      },
    })
    await back
    expect(await mirrorOf(job)).toEqual(await source())
  })

  test('that is full reads everything again, and keeps the greatest cursor', async ({
    newJob,
    run,
    checkpointOf,
    app,
    visible,
    mirrorOf,
    source,
  }) => {
    const job = newJob()
    await run(job)
    const { high } = (await checkpointOf(job)) ?? expect.fail()
    await sql`update ${sql.table(`mirror.${job.table}`)} set title = 'wrong'`.execute(app.deps.store)
    const rows = await visible()
    expect(await run(job, { payload: { full: true } })).toMatchObject({ counts: { read: rows, updated: rows } })
    expect((await checkpointOf(job))?.high).toBe(high)
    expect(await mirrorOf(job)).toEqual(await source())
  })

  test('doesn’t continue from a checkpoint of another table, cursor or key', async ({ newJob, run }) => {
    const job = newJob()
    await run(job)
    const common = { name: job.name, document: pullArticlesDocument, role: 'viewer', into: job.table } as const
    const into = `${job.table.slice(0, 30)}_b`
    const changed: [JobDefinition, string][] = [
      [
        pullSync({ ...common, key: 'id', cursor: 'updated_at', into }),
        `table mirror.${job.table} (now mirror.${into})`,
      ],
      [pullSync({ ...common, key: 'id', cursor: 'created_at' }), 'cursor "updated_at" (now "created_at")'],
      [pullSync({ ...common, key: ['id', 'topic_id'], cursor: 'updated_at' }), 'key "id" (now "id", "topic_id")'],
    ]
    for (const [other, change] of changed) {
      await expect(run({ job: other })).rejects.toMatchObject({
        code: 'fingerprint',
        scope: 'job',
        found: `The checkpoint of ${job.name} was made with ${change}`,
        remedy: expect.stringMatching(/ to read everything again with the new one$/),
      })
    }
    // What doesn't matter to a checkpoint may change.
    const tuned = pullSync({ ...common, key: 'id', cursor: 'updated_at', pageSize: 7, lookback: 60 })
    expect(await run({ job: tuned })).toMatchObject({ counts: { inserted: 0 } })
  })

  test('keeps nested objects as JSON, or as columns of their own where it is told to', async ({ newJob, run, app }) => {
    const { table } = newJob()
    const document: TypedDocumentNode<Nested, PageVariables> = parse(`
      query PullArticles($where: articles_bool_exp!, $order_by: [articles_order_by!]!, $limit: Int!) {
        articles(where: $where, order_by: $order_by, limit: $limit) {
          id updated_at author { id at: created_at } topic { title owner { username } } links(order_by: { target_id: asc }) { target_id }
        }
      }`)
    const job = pullSync({
      name: `sync-${table}`,
      document,
      role: 'viewer',
      key: 'id',
      cursor: 'updated_at',
      into: table,
      flatten: ['author', 'topic'],
    })
    await run({ job })
    const mirrored = await sql<{ row: unknown }>`
      select to_jsonb(m) - array['_synced_at', '_change', '_account'] as row from ${sql.table(`mirror.${table}`)} m
      order by id`.execute(app.deps.store)
    const expected = await app.hasura.sql(`
      select jsonb_build_object('id', a.id, 'updated_at', a.updated_at, 'author_id', u.id, 'author_at', u.created_at,
        'topic_title', t.title, 'topic_owner_username', o.username, '_deleted_at', null, '_revived_at', null,
        'links', (select coalesce(jsonb_agg(jsonb_build_object('target_id', l.target_id) order by l.target_id), '[]') from article_links l
          join articles x on x.id = l.target_id where l.article_id = a.id and x.status = 'published')) as row
      from articles a left join users u on u.id = a.author_id join topics t on t.id = a.topic_id
        left join users o on o.id = t.owner_id
      where a.status = 'published' order by a.id`)
    expect(mirrored.rows).toEqual(expected)
  })

  test('reads a table that several accounts mirror for each of them', async ({ newJob, account, app, visible }) => {
    const job = newJob({ pageSize: 50 })
    const accounts = [account, app.addAccount(), app.addAccount()]
    await Promise.all(accounts.map(name => runPull(app, job.job, name)))
    const { rows } = await sql<{ count: string }>`
      select count(*) from ${sql.table(`mirror.${job.table}`)} group by _account`.execute(app.deps.store)
    expect(rows).toEqual(Array(3).fill({ count: String(await visible()) }))
  })
})
