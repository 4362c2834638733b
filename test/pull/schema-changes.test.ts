import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { readChanges } from '../../src/changes/changes.ts'
import { preferredStore } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable, expectMirrored, readMirror } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { alterSelectPermission, setIntrospection, setSelectPermission } from '../sandbox/hasura/change-metadata.ts'

const rows = 20
const everything = { columns: '*', filter: {} } as const
const unseen = {
  code: 'operation-refused',
  message: expect.stringContaining('the schema changed, or role "viewer" may not see it'),
}

const test = tableTest
  .extend('backend', preferredStore)
  .extend('table', async ({ app, account, sandbox }) => {
    // Old rows: none of them is read again unless all are.
    const table = await sandbox.createTable({
      columns: "id int primary key, title text, size int, updated_at timestamptz not null default '2026-01-01'",
    })
    await sandbox.hasura.sql(`insert into ${table.name} select n, 'row ' || n, n from generate_series(1, ${rows}) n`)
    await runPull(app, table.pull(), account)
    return table
  })
  .extend(
    'run',
    ({ table, app, account }) =>
      (job = table.pull({ pageSize: 4 })) =>
        runPull(app, job, account),
  )
  .extend(
    'alter',
    ({ sandbox, table }) =>
      (change: string) =>
        sandbox.hasura.sql(`alter table ${table.name} ${change}`),
  )
  .extend(
    'mirror',
    ({ app, table, account }) =>
      (...columns: string[]) =>
        readMirror(app, table.name, account, ['id', ...columns]),
  )
  .extend(
    'write',
    ({ sandbox, table }) =>
      (id: number) =>
        sandbox.hasura.sql(`insert into ${table.name} (id, updated_at) values (${id}, now())
    on conflict (id) do update set updated_at = now()`),
  )
  .extend(
    'changesAfter',
    ({ app, table, account }) =>
      async (position: string) =>
        readChanges(app.deps.store, table.pull().mirror, { after: position, account }),
  )
  .extend(
    'lastChange',
    ({ changesAfter }) =>
      async () =>
        (await changesAfter('0')).position,
  )
  .extend(
    'older',
    ({ table }) =>
      () =>
        table.pull({ columns: ['id', 'title', 'updated_at'], pageSize: 4 }),
  )
  .extend(
    'newer',
    ({ table }) =>
      () =>
        table.pull({ columns: ['id', 'title', 'size', 'updated_at'], pageSize: 4 }),
  )
  .extend(
    'touch',
    ({ sandbox, table }) =>
      (id: number, more = '') =>
        sandbox.hasura.sql(`insert into ${table.name} values (${id}, 'new ${id}', ${id}, now())
      on conflict (id) do update set title = excluded.title, updated_at = excluded.updated_at${more}`),
  )

describe('a column', () => {
  test('that the API gains and the document does not name changes nothing', async ({ table, alter, run }) => {
    const job = table.pull()
    await alter("add column note text default 'new'")
    await table.change()
    expect(await run(job)).toMatchObject({ counts: { read: 0 } })
  })

  test('that the document names in another place changes nothing', async ({ table, run }) => {
    const columns = table.columns().toReversed()
    expect(await run(table.pull({ columns }))).toMatchObject({ counts: { read: 0 } })
  })

  test('that the filter names in another place changes nothing', async ({ sandbox, app, account }) => {
    const table = await createNumberedTable(sandbox, 3)
    for (const where of [
      { id: { _gt: 0, _lt: 9 }, title: { _is_null: false } },
      { title: { _is_null: false }, id: { _lt: 9, _gt: 0 } },
    ]) {
      await runPull(app, table.pull({ where }), account)
    }
    await expectMirrored(app, table, account)
  })

  test('that the document gains is filled in every row', async ({ alter, table, run, app, account, mirror }) => {
    await alter("add column note text default 'new'")
    await table.change()
    await run()
    await expectMirrored(app, table, account)
    expect(await mirror('note')).toContain('{"id": 1, "note": "new"}')
    expect(await run()).toMatchObject({ counts: { read: 0 } })
  })

  test('that the document loses is kept, and null in rows that are inserted', async ({ table, write, run, mirror }) => {
    const job = table.pull({ columns: ['id', 'title', 'updated_at'] })
    await write(1)
    await run(job)
    expect(await mirror('size')).toHaveLength(rows)
    await write(100)
    await run(job)
    expect(await mirror('size')).toContain('{"id": 100, "size": null}')
  })

  test('that is renamed in both is filled under its new name, and kept under its old one', async ({
    alter,
    table,
    run,
    app,
    account,
    mirror,
  }) => {
    await alter('rename column size to extent')
    await table.change()
    await run()
    await expectMirrored(app, table, account)
    expect(await mirror('size')).toHaveLength(rows)
  })

  test.for(['drop column size', 'rename column size to extent'])(
    'that the document names is missed after "%s", in words that say where to look, and nothing is lost',
    async (change, { table, alter, sandbox, run, mirror }) => {
      const job = table.pull()
      await alter(change)
      await sandbox.hasura.changeMetadata()
      await expect(run(job)).rejects.toMatchObject(unseen)
      expect(await mirror('title', 'size')).toContain('{"id": 7, "size": 7, "title": "row 7"}')
    },
  )

  test.for(['drop column size', 'rename column size to extent'])(
    'that somebody takes from the mirror with "%s" is filled again in every row of every account',
    async (change, { app, table, run, account }) => {
      const other = app.addAccount()
      await runPull(app, table.pull(), other)
      await sql.raw(`alter table mirror.${table.name} ${change}`).execute(app.deps.store)
      await expect(run(table.pull({ evolution: 'hold' }))).rejects.toMatchObject({
        code: 'fingerprint',
        found: expect.stringContaining('(size)'),
      })
      for (const each of [account, other]) {
        expect(await runPull(app, table.pull(), each)).toMatchObject({ counts: { updated: rows } })
        await expectMirrored(app, table, each)
      }
      expect(await run()).toMatchObject({ counts: { read: 0 } })
    },
  )

  test.for(['the account', 'another account'] as const)(
    'that somebody takes from the mirror while a full read is interrupted is read from the start, if %s adds it again',
    async (who, { app, table, run }) => {
      const other = app.addAccount()
      const job = table.pull({ pageSize: 4 })
      const refuse = { kind: 'graphql-error', code: 'validation-failed', message: 'no' } as const
      const lift = app.hasura.fault({ operationName: `Pull_${table.name}`, after: 2 }, refuse)
      await expect(runPull(app, job, other)).rejects.toThrow('validation-failed')
      lift()
      await sql`alter table ${sql.table(`mirror.${table.name}`)} drop column size`.execute(app.deps.store)
      if (who === 'another account') await run()
      expect(await runPull(app, job, other)).toMatchObject({ counts: { read: rows } })
      await expectMirrored(app, table, other)
    },
  )

  test('that somebody takes from the mirror while another account reads everything is read again', async ({
    app,
    table,
    run,
  }) => {
    const other = app.addAccount()
    const job = table.pull({ pageSize: 4, ranges: 1 })
    const { promise: until, resolve: goOn } = Promise.withResolvers<void>()
    const operationName = `Pull_${table.name}`
    app.hasura.requests.length = 0
    app.hasura.fault({ operationName, after: 2, times: 1 }, { kind: 'wait', until })
    const reading = runPull(app, job, other)
    await expect.poll(() => app.hasura.requests.filter(asked => asked.operationName === operationName).length).toBe(3)
    await expect.poll(() => readMirror(app, table.name, other, ['id'])).toHaveLength(8)
    await sql`alter table ${sql.table(`mirror.${table.name}`)} drop column size`.execute(app.deps.store)
    await run()
    goOn()
    await expect(reading).rejects.toThrow('A column was added')
    expect(await runPull(app, job, other)).toMatchObject({ counts: { read: rows } })
    await expectMirrored(app, table, other)
  })

  test.for([
    ['int', 'text'],
    ['int', 'bigint'],
    ['text', 'jsonb'],
  ] as const)(
    'whose type changes from %s to %s holds the job, with what can be done about it',
    async ([before, after], { alter, table, run, mirror }) => {
      const column = before === 'int' ? 'size' : 'title'
      await alter(`alter column ${column} type ${after} using to_json(${column})::text::${after}`)
      await table.change()
      await expect(run()).rejects.toMatchObject({
        name: 'RefusalError',
        scope: 'job',
        message: expect.stringMatching(new RegExp(`(?=.*"${column}")(?=.*mirror\\.${table.name})(?=.*reset)`)),
      })
      expect(await mirror('title', 'size')).toHaveLength(rows)
    },
  )
})

describe('two versions of a job side by side', () => {
  test('take turns without undoing each other, without reading all again and without false changes', async ({
    touch,
    lastChange,
    run,
    older,
    changesAfter,
    newer,
    app,
    table,
    account,
  }) => {
    for (let turn = 1; turn <= 3; turn += 1) {
      await touch(turn)
      await touch(100 + turn)
      const start = await lastChange()
      expect(await run(older())).toMatchObject({ counts: { updated: 1, inserted: 1 } })
      expect((await changesAfter(start)).changes).toHaveLength(2)
      // What the older one left is found by the newer one's scan: of the two rows one lacks something.
      const { counts } = await run(newer()).then(result => ('counts' in result ? result : expect.fail()))
      expect(counts).toMatchObject({ updated: 1, inserted: 0, deleted: 0 })
      expect(counts?.read).toBeLessThanOrEqual(2 * turn)
      await expectMirrored(app, table, account)
      const end = await lastChange()
      await run(older())
      await run(newer())
      expect((await changesAfter(end)).changes).toEqual([])
    }
  })

  test('leave nothing out when the older one’s sweep finds rows with an old cursor', async ({
    run,
    newer,
    sandbox,
    table,
    app,
    older,
    account,
  }) => {
    await run(newer())
    await sandbox.hasura.sql(`insert into ${table.name} values (0, 'late', 0, '2025-12-31')`)
    const sweep = { payload: { sweep: true } }
    expect(await runPull(app, older(), account, sweep)).toMatchObject({ counts: { inserted: 1, updated: 0 } })
    expect(await run(newer())).toMatchObject({ counts: { read: rows + 1, updated: 1 } })
    await expectMirrored(app, table, account)
    expect(await run(newer())).toMatchObject({ counts: { read: 0 } })
  })

  test('of which each has a column of its own keep both', async ({
    alter,
    table,
    run,
    touch,
    newer,
    app,
    account,
    lastChange,
    changesAfter,
  }) => {
    await alter("add column note text default 'n'")
    await table.change()
    const renamed = () => table.pull({ columns: ['id', 'title', 'note', 'updated_at'], pageSize: 4 })
    expect(await run(renamed())).toMatchObject({ counts: { read: rows, updated: rows } })
    await touch(100)
    for (const job of [newer(), renamed(), newer()]) await run(job)
    await expectMirrored(app, table, account)
    const end = await lastChange()
    for (const job of [renamed(), newer(), renamed()]) await run(job)
    expect((await changesAfter(end)).changes).toEqual([])
  })

  test('are whole again after a full run of the older one that broke off: it had set to null what it does not select', async ({
    older,
    app,
    account,
    newer,
    table,
  }) => {
    app.hasura.fault(
      { operationName: `Pull_${table.name}`, after: 2, times: 1 },
      { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
    )
    const old = runPull(app, older(), account, { payload: { full: true } })
    await expect(old).rejects.toMatchObject({ code: 'validation-failed' })
    // It begins its own read instead of the one that the older run has left unfinished.
    await runPull(app, newer(), account, { payload: { sweep: true } })
    await expectMirrored(app, table, account)
  })

  test('are one again when a full run says so: what it does not select is null, and is filled when it comes back', async ({
    run,
    older,
    mirror,
    app,
    account,
    newer,
    table,
  }) => {
    await run(older())
    expect(await mirror('size')).toContain('{"id": 7, "size": 7}')
    expect(await runPull(app, older(), account, { payload: { full: true } })).toMatchObject({
      counts: { updated: rows },
    })
    expect(await mirror('size')).toContain('{"id": 7, "size": null}')
    expect(await run(older())).toMatchObject({ counts: { read: 0 } })
    expect(await run(newer())).toMatchObject({ counts: { updated: rows } })
    await expectMirrored(app, table, account)
  })
})

describe('a cursor', () => {
  test('that loses its "not null" leads no run astray, though one that reads all meets a null', async ({
    table,
    alter,
    sandbox,
    app,
    account,
    write,
    run,
  }) => {
    const job = table.pull({ pageSize: 4 })
    await alter('alter column updated_at drop not null')
    await sandbox.hasura.changeMetadata()
    await sandbox.hasura.sql(`insert into ${table.name} (id, updated_at) values (100, null)`)
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({ counts: { inserted: 1 } })
    await write(101)
    expect(await run(job)).toMatchObject({ counts: { inserted: 1 } })
    await expectMirrored(app, table, account)
  })
})

describe('a permission', () => {
  test('for the table that is taken away and granted again loses nothing', async ({
    table,
    sandbox,
    run,
    mirror,
    write,
    app,
    account,
  }) => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', undefined))
    await expect(run(job)).rejects.toMatchObject(unseen)
    expect(await mirror()).toHaveLength(rows)
    await sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', everything))
    await write(100)
    expect(await run(job)).toMatchObject({ counts: { inserted: 1 } })
    await expectMirrored(app, table, account)
  })

  test('for a column that is taken away and granted again loses nothing', async ({
    table,
    sandbox,
    run,
    write,
    app,
    account,
  }) => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { columns: ['id', 'updated_at'] }))
    await expect(run(job)).rejects.toMatchObject(unseen)
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { columns: '*' }))
    await write(3)
    expect(await run(job)).toMatchObject({ counts: { updated: 1 } })
    await expectMirrored(app, table, account)
  })

  test('that is revoked during a read ends the run, and the next one resumes where it was', async ({
    sandbox,
    table,
    app,
    account,
    run,
  }) => {
    await sandbox.hasura.sql(`update ${table.name} set updated_at = now()`)
    const begun = Promise.withResolvers<void>()
    const taken = begun.promise.then(() =>
      sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', undefined)),
    )
    const lift = sandbox.hasura.fault({ after: rows / 4 }, { kind: 'wait', until: taken })
    const job = table.pull({ pageSize: 2 })
    const running = runPull(app, job, account, { onProgress: () => begun.resolve() })
    await expect(running).rejects.toMatchObject(unseen)
    lift()
    await sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', everything))
    const { rows: written } = await sql`
      select from ${sql.table(`mirror.${table.name}`)} where _account = ${account} and updated_at > '2026-01-01'`.execute(
      app.deps.store,
    )
    expect(written.length).toBeGreaterThan(0)
    // All of them are recent, so that what has changed since is looked for among them.
    expect(await run(job)).toMatchObject({ counts: { updated: rows - written.length, unchanged: rows } })
    await expectMirrored(app, table, account)
  })

  test('with a row filter that narrows takes no row from the mirror, and one that widens shows old rows to a full run', async ({
    table,
    sandbox,
    run,
    mirror,
    app,
  }) => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { filter: { size: { _lt: 5 } } }))
    await run(job)
    expect(await mirror()).toHaveLength(rows)
    const other = app.addAccount()
    await runPull(app, job, other)
    await expectMirrored(app, table, other, { where: 'size < 5' })
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { filter: {} }))
    expect(await runPull(app, job, other, { payload: { full: true } })).toMatchObject({
      counts: { inserted: rows - 4, updated: 0 },
    })
    await expectMirrored(app, table, other)
  })

  test('to introspect is not needed', async ({ table, sandbox, write, run }) => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(setIntrospection('viewer', false))
    await write(1)
    expect(await run(job)).toMatchObject({ counts: { updated: 1 } })
    await sandbox.hasura.changeMetadata(setIntrospection('viewer', true))
  })
})
