import { expect } from 'vitest'
import { OutageError, RefusalError } from '../../src/errors.ts'
import { openTestApp, preferredStore, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, readMirror } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { alterSelectPermission } from '../sandbox/hasura/change-metadata.ts'
import { postgresServer, startPostgres } from '../services/start-postgres.ts'

const rows = 200

/** What shall happen once, when some pages have been written. */
function midway(happen: () => Promise<unknown> | undefined) {
  let happened: Promise<unknown> | undefined
  return {
    onProgress({ done }: { done: number }) {
      if (done > rows / 10) happened ??= Promise.resolve(happen())
    },
    happened: () => happened ?? expect.fail('the run was over before'),
  }
}

const test = tableTest
  .extend('backend', preferredStore)
  .extend('table', async ({ sandbox }) => {
    const table = await sandbox.createTable({
      columns:
        "id int primary key, title text, updated_at timestamptz not null default '2026-01-01 00:00:00.000001+00'",
    })
    await sandbox.hasura.sql(`insert into ${table.name} select n, 'row ' || n from generate_series(1, ${rows}) n`)
    return table
  })
  .extend(
    'job',
    ({ table }) =>
      () =>
        table.pull({ pageSize: 5 }),
  )
  .extend(
    'mirrored',
    ({ app, table, account }) =>
      async () =>
        (await readMirror(app, table.name, account, ['id'])).length,
  )

test('a limit of requests in the middle is waited for, and costs no page', async ({
  sandbox,
  app,
  job,
  account,
  table,
}) => {
  sandbox.hasura.fault({ after: 3, times: 2 }, { kind: 'status', status: 429, headers: { 'retry-after': '1' } })
  const begunAt = Date.now()
  expect(await runPull(app, job(), account)).toMatchObject({ counts: { inserted: rows, updated: 0 } })
  expect(Date.now() - begunAt).toBeGreaterThan(900)
  expect(sandbox.hasura.requests.filter(({ status }) => status === 429)).toHaveLength(2)
  await expectMirrored(app, table, account)
})

test('an account that loses access during a read is refused, and resumes where it was when it has access again', async ({
  app,
  account,
  sandbox,
  job,
  mirrored,
  table,
}) => {
  const shutOut = midway(() => {
    app.idp.setEnabled(account, false)
    const message = 'Could not verify JWT: JWTExpired'
    sandbox.hasura.fault({ times: 1 }, { kind: 'graphql-error', code: 'invalid-jwt', message })
    return undefined
  })
  await expect(runPull(app, job(), account, shutOut)).rejects.toThrow(RefusalError)
  const written = await mirrored()
  expect(written).toBeGreaterThan(0)
  expect(written).toBeLessThan(rows)
  app.idp.setEnabled(account, true)
  // This process doesn't ask again so soon after it was refused.
  await using peer = await app.openPeer()
  expect(await runPull(peer, job(), account)).toMatchObject({
    counts: { read: rows - written, inserted: rows - written },
  })
  await expectMirrored(app, table, account)
})

test('a Hasura that goes down during a read ends the run, and the next one resumes where it was', async ({
  sandbox,
  app,
  job,
  account,
  mirrored,
  table,
}) => {
  const stopped = midway(() => sandbox.hasura.stop())
  await expect(runPull(app, job(), account, stopped)).rejects.toThrow(OutageError)
  await stopped.happened()
  await sandbox.hasura.start()
  const written = await mirrored()
  expect(await runPull(app, job(), account)).toMatchObject({
    counts: { read: rows - written, inserted: rows - written },
  })
  await expectMirrored(app, table, account)
})

test('a row limit that is lowered, during a run or between two, loses nothing', async ({
  table,
  app,
  job,
  account,
  sandbox,
}) => {
  const limited = midway(() => table.change(alterSelectPermission(table.name, 'viewer', { limit: 2 })))
  expect(await runPull(app, job(), account, limited)).toMatchObject({ counts: { inserted: rows } })
  await limited.happened()
  await expectMirrored(app, table, account)
  await sandbox.hasura.sql(`update ${table.name} set title = title || '!', updated_at = now()`)
  await table.change(alterSelectPermission(table.name, 'viewer', { limit: 1 }))
  expect(await runPull(app, job(), account)).toMatchObject({ counts: { updated: rows } })
  await expectMirrored(app, table, account)
})

test('of two runs of a job that are forced at once, in two processes, one waits for the other', async ({
  app,
  job,
  account,
  table,
}) => {
  await using peer = await app.openPeer()
  const waiting: number[] = []
  const run = (process: Pick<TestApp, 'deps'>, n: number) =>
    runPull(process, job(), account, { onWaiting: () => waiting.push(n) })
  const results = await Promise.all([run(app, 0), run(peer, 1), run(app, 2)])
  expect(new Set(waiting).size).toBe(2)
  const inserted = results.map(result => ('counts' in result ? result.counts?.inserted : undefined))
  expect(inserted.sort()).toEqual([0, 0, rows])
  await expectMirrored(app, table, account)
})

test.runIf(postgresServer)(
  'a store that crashes in the middle and comes back loses nothing and reads nothing twice',
  async ({ sandbox, job, table }) => {
    await using server = await startPostgres()
    const env = { DATABASE_URL: server.url }
    await using own = await openTestApp({ backend: 'postgres', sandbox, env })
    const account = own.addAccount()
    const pull = job()
    own.addJob(pull)
    sandbox.hasura.fault({ operationName: `Pull_${table.name}` }, { kind: 'latency', ms: 50 })
    await own.serve()
    const { id } = await own.operations.makeRequest({
      job: pull.name,
      account,
      payload: undefined,
      trigger: 'cli',
      caller: 'test',
    })
    const mirroredThere = () => readMirror(own, table.name, account, ['id']).then(ids => ids.length)
    await expect.poll(() => mirroredThere().catch(() => 0)).toBeGreaterThan(10)
    await server.kill()
    await server.start()
    const written = await mirroredThere()
    expect(written).toBeLessThan(rows)
    const state = async () => (await own.operations.getRequest({ id }).catch(() => undefined))?.state
    await expect.poll(state).toBe('done')
    await expectMirrored(own, table, account)
    const [last] = await own.operations.listRuns({ job: pull.name, limit: 1 })
    expect(last?.counts).toMatchObject({ read: rows - written, inserted: rows - written, updated: 0 })
  },
)
