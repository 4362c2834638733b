import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { missingList } from '../../src/dashboard/pages/missing-list.ts'
import { findMissing } from '../../src/dashboard/read/missing-rows.ts'
import type { Right } from '../../src/dashboard/viewer.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { fieldsOf, openTestDashboard } from './open-dashboard.ts'

const rows = 30

const test = tableTest
  .extend('appOptions', { scope: 'file' }, { jobs: [] })
  .extend('board', { scope: 'file' }, async ({ apps, closing }) =>
    closing.use(await openTestDashboard(await apps('embedded'))),
  )
  .extend(
    'vanish',
    ({ app }) =>
      (table: SourceTable, ids: readonly number[]) =>
        app.hasura.sql(`delete from ${table.name} where id in (${ids.join(', ')})`),
  )
  /** Serves lines until the account's newest request of the job has run. */
  .extend('serveUntilRun', ({ app }) => async (line: { account: string; job: string }) => {
    await using _serving = await app.serve()
    const [made] = await app.operations.listRequests(line)
    await expect
      .poll(async () => (await app.operations.getRequest({ id: made?.id ?? '' })).runs[0]?.state ?? 'running', {
        timeout: 20_000,
      })
      .not.toBe('running')
  })
  /** A mirrored table; these rows have vanished from its source, and the guard holds its job. */
  .extend('hold', ({ app, account, sandbox, vanish, serveUntilRun }) => async (ids: readonly number[]) => {
    const table = await createNumberedTable(sandbox, rows)
    const job = table.pull()
    const line = { account, job: job.name }
    app.addJob(job)
    await runPull(app, job, account)
    await vanish(table, ids)
    await app.operations.makeRequest({ ...line, payload: { sweep: true } })
    await serveUntilRun(line)
    return { table, line, sweep: () => runPull(app, job, account, { payload: { sweep: true } }) }
  })
  .extend('deletedFrom', ({ app, account }) => async (table: SourceTable) => {
    const { rows: found } = await sql<{ id: number }>`select id from ${sql.table(`mirror.${table.name}`)}
      where _account = ${account} and _deleted_at is not null order by id`.execute(app.deps.store)
    return found.map(({ id }) => id)
  })

/** The keys in a page, which shows the first rows with all their columns and then keys alone. */
function keysIn(text: string): number[] {
  const shown = [...text.matchAll(/data-title="id" class="[^"]*">(\d+)<|<li><code>(\d+)<\/code>/g)]
  return shown.map(([, inRow, inList]) => Number(inRow ?? inList))
}

const confirm = (line: { account: string; job: string }) =>
  `confirm?${new URLSearchParams({ action: 'allow-deletions', ...line, from: 'holds' })}`

describe('what a deletion guard keeps', () => {
  test('is shown before it is allowed, and what is shown is what is deleted', async ({
    board,
    hold,
    serveUntilRun,
    deletedFrom,
  }) => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: rows }), { minLength: 11, maxLength: rows })
    await fc.assert(
      fc.asyncProperty(ids, async gone => {
        const { table, line } = await hold(gone)
        const sorted = gone.toSorted((a, b) => a - b)
        const page = await board.get(`missing?${new URLSearchParams(line)}`)
        expect(keysIn(page.text)).toEqual(sorted)
        const preview = await board.get(confirm(line))
        expect(keysIn(preview.text)).toEqual(sorted)
        expect(preview.text).toContain(`${gone.length} rows.`)
        await board.post('act', fieldsOf(preview.text))
        await serveUntilRun(line)
        expect(await deletedFrom(table)).toEqual(sorted)
        expect((await board.get(`missing?${new URLSearchParams(line)}`)).text).toContain('No deletion guard keeps rows')
      }),
      { numRuns: 4 },
    )
  })

  test('stays when more has vanished than was shown, and is shown anew', async ({
    board,
    hold,
    vanish,
    serveUntilRun,
    deletedFrom,
  }) => {
    const shown = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
    const { table, line } = await hold(shown)
    const preview = await board.get(confirm(line))
    await vanish(table, [30])
    await board.post('act', fieldsOf(preview.text))
    await serveUntilRun(line)
    expect(await deletedFrom(table)).toEqual([])
    const page = await board.get(`missing?${new URLSearchParams(line)}`)
    expect(keysIn(page.text)).toEqual([...shown, 30])
    const holds = await board.get(`holds?account=${line.account}`)
    expect(holds.text).toContain('at most 11 may be deleted at once')
  })

  test('isn’t allowed by a preview of an earlier comparison', async ({ board, hold, vanish }) => {
    const { table, sweep, line } = await hold([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    const preview = await board.get(confirm(line))
    await vanish(table, [12])
    await expect(sweep()).rejects.toMatchObject({ code: 'deletion-guard' })
    const { status, text } = await board.post('act', fieldsOf(preview.text))
    expect([status, text]).toEqual([400, expect.stringContaining('Since the preview, another comparison')])
  })

  test('is told by its number over HTTP, and is over when the rows are there again', async ({ app, hold }) => {
    const { table, sweep, line } = await hold([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    const report = async () => (await app.operations.listHolds()).find(({ job }) => job === line.job)
    expect(await report()).toMatchObject({ missing: { rows: 11, of: rows } })
    await app.hasura.sql(`insert into ${table.name} (id, title) select n, 'again' from generate_series(1, 11) n`)
    await sweep()
    expect(await report()).toBeUndefined()
  })

  test.for<[readonly Right[], number]>([
    [['view'], 0],
    [['view', 'operate'], 0],
    [['view', 'data'], 11],
  ])('shows to a viewer with the rights %j its keys or their number alone', async ([rights, shown], { app, hold }) => {
    const { line } = await hold([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    const reading = { deps: app.deps, only: undefined }
    const [missing] = await findMissing(reading, line)
    const text = String(
      await missingList({ reading, viewer: { name: 'x', rights: [...rights] } }, missing ?? expect.fail()),
    )
    expect(keysIn(text)).toHaveLength(shown)
    expect(text).toContain('no longer had 11 of the 30 mirrored rows')
  })
})
