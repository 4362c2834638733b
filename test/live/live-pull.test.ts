import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { followChanges } from '../../src/changes/changes.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { expectMirrored, openTableSandbox, type SourceTable, type TableSandbox } from '../fixtures/source-table.ts'
import { until } from '../fixtures/until.ts'

const account = 'default'

let sandbox: TableSandbox
beforeAll(async () => {
  sandbox = await openTableSandbox({ hasura: { seed: false, refetchMs: 100 } })
})
afterAll(() => sandbox[Symbol.asyncDispose]())

describe.each(backends)('a live pull on %s', backend => {
  let app: TestApp
  let table: SourceTable
  let followed: string[]
  beforeAll(async () => {
    const permission = { columns: '*' as const, filter: {}, allow_aggregations: true }
    table = await sandbox.createTable({
      columns: 'id int primary key, title text, updated_at timestamptz not null default now()',
      metadata: { select_permissions: [{ role: 'viewer', permission }] },
    })
    await sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at)
      select n, 'row ' || n, timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, 30) n`)
    const job = table.pull({ live: { intervalMs: 100 } })
    followed = []
    const follower = defineJob({
      name: 'follow-things',
      payload: z.strictObject({}),
      follows: [table.name],
      async run(_session, context) {
        await followChanges(context, { reader: 'test', table: job.mirror }, async changes => {
          followed.push(...changes.map(({ op, key }) => `${op} ${key.id}`))
        })
        return {}
      },
    })
    app = await openTestApp({
      backend,
      sandbox,
      jobs: [job, follower],
      firstLogin: null,
      schemaFolder: sandbox.schemaFolder,
      clients: [{ clientId: account }],
    })
    await app.serve()
    await until(async () => (await states())[0] === 'live')
    await until(isMirrored)
  })
  afterAll(() => app?.[Symbol.asyncDispose]())

  const states = async () => {
    const rows = await app.deps.store.selectFrom('worker.live').select('state').where('job', '<>', '').execute()
    return rows.map(({ state }) => state)
  }
  const requests = () =>
    app.deps.store
      .selectFrom('worker.requests')
      .select(['payload', 'trigger'])
      .where('job', '<>', 'follow-things')
      .orderBy('seq')
      .execute()
  const isMirrored = () =>
    expectMirrored(app, table, account).then(
      () => true,
      () => false,
    )

  test('follows a row that is written or changed, by scans from the greatest cursor alone', async () => {
    const before = (await requests()).length
    await sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (31, 'new', now())`)
    await expect.poll(isMirrored).toBe(true)
    await sandbox.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now() where id = 1`)
    await expect.poll(isMirrored).toBe(true)
    const made = (await requests()).slice(before)
    expect(made.every(({ payload, trigger }) => trigger === 'live' && 'rung' in payload)).toBe(true)
  })

  test('tells whoever follows its changes at once, without a schedule', async () => {
    await sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (41, 'followed', now())`)
    await expect.poll(() => followed).toContain('upsert 41')
  })

  test('finds a row that was deleted, where the role may count', async () => {
    await sandbox.hasura.sql(`delete from ${table.name} where id = 2`)
    await expect.poll(isMirrored).toBe(true)
    expect((await requests()).map(({ payload }) => payload)).toContainEqual({ sweep: true })
    await expect.poll(() => followed).toContain('delete 2')
  })

  test('connects again after a drop, and scans', async () => {
    const before = (await requests()).length
    sandbox.hasura.sockets.drop()
    await sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (32, 'meanwhile', now())`)
    await expect.poll(isMirrored).toBe(true)
    await expect
      .poll(async () => (await requests()).slice(before))
      .toContainEqual(expect.objectContaining({ payload: {} }))
  })
})
