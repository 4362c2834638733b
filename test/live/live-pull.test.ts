import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import {
  createNumberedTable,
  expectMirrored,
  openTableSandbox,
  type SourceTable,
  type TableSandbox,
} from '../fixtures/source-table.ts'
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
  beforeAll(async () => {
    table = await createNumberedTable(sandbox, 30)
    const job = table.pull({ live: { intervalMs: 100 } })
    app = await openTestApp({
      backend,
      sandbox,
      jobs: [job],
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
    app.deps.store.selectFrom('worker.requests').select(['state', 'payload', 'trigger']).orderBy('seq').execute()
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
