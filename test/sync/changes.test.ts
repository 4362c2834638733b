import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/jobs/define-job.ts'
import {
  beginning,
  type Change,
  findReaderPosition,
  followChanges,
  readChanges,
  saveReaderPosition,
} from '../../src/sync/changes.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { openTableSandbox, type SourceTable, type TableSandbox } from '../fixtures/source-table.ts'

let sandbox: TableSandbox
beforeAll(async () => {
  sandbox = await openTableSandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

describe.each(backends.filter(backend => backend !== 'redis'))('the changes of a mirror table on %s', backend => {
  let app: TestApp
  let account: string
  beforeAll(async () => {
    app = await openTestApp({ backend, sandbox, schemaFolder: sandbox.schemaFolder })
  })
  beforeEach(() => {
    account = app.addAccount()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  const createTable = async (rows: number): Promise<SourceTable> => {
    const table = await sandbox.createTable({
      columns: 'a int, b text, title text, updated_at timestamptz not null default now(), primary key (a, b)',
      key: ['a', 'b'],
    })
    await app.hasura.sql(`insert into ${table.name} select n, 'k' || n, 'row ' || n from generate_series(1, ${rows}) n`)
    return table
  }
  const said = (changes: readonly Change[]) => changes.map(({ op, key }) => `${op} ${key.a}/${key.b}`)

  test('are the latest of each row, in their order, from the beginning or from where a reader was', async () => {
    const table = await createTable(3)
    const { mirror } = table.pull()
    expect(await readChanges(app.deps.store, mirror, { after: beginning })).toEqual({ changes: [], position: '0' })
    await runPull(app, table.pull(), account)
    const first = await readChanges(app.deps.store, mirror, { after: beginning })
    expect(said(first.changes)).toEqual(['upsert 1/k1', 'upsert 2/k2', 'upsert 3/k3'])
    expect(first.changes[0]).toMatchObject({ account, key: { a: '1', b: 'k1' } })

    await app.hasura.sql(`update ${table.name} set title = 'new', updated_at = now() where a = 1`)
    await app.hasura.sql(`delete from ${table.name} where a = 2`)
    await runPull(app, table.pull(), account, { payload: { sweep: true } })
    const second = await readChanges(app.deps.store, mirror, { after: first.position })
    expect(said(second.changes)).toEqual(['upsert 1/k1', 'delete 2/k2'])
    // Who begins now is told the same end, without what was in between.
    const all = await readChanges(app.deps.store, mirror, { after: beginning })
    expect(said(all.changes)).toEqual(['upsert 3/k3', 'upsert 1/k1', 'delete 2/k2'])
    expect(all.position).toBe(second.position)

    await runPull(app, table.pull(), account, { full: true })
    expect(await readChanges(app.deps.store, mirror, { after: all.position })).toMatchObject({ changes: [] })
    const two = await readChanges(app.deps.store, mirror, { after: beginning, limit: 2, account })
    expect(said(two.changes)).toEqual(['upsert 3/k3', 'upsert 1/k1'])
    expect((await readChanges(app.deps.store, mirror, { after: beginning, account: 'nobody' })).changes).toEqual([])
  })

  test('reach a reader without a gap and in order while several accounts’ runs write them', async () => {
    const table = await createTable(120)
    const accounts = [account, ...Array.from({ length: 4 }, () => app.addAccount())]
    const job = table.pull({ pageSize: 7, ranges: 3 })
    const seen = new Map<string, string>()
    /** Each of the two follows from where it was last, whether there was anything for it or not. */
    const follow = (options: { readonly account?: string }, changed: Map<string, string>) => {
      let after = beginning
      return async () => {
        const { changes, position } = await readChanges(app.deps.store, job.mirror, { after, limit: 50, ...options })
        const places = changes.map(change => BigInt(change.position))
        expect(places).toEqual(places.toSorted((a, b) => (a < b ? -1 : 1)))
        for (const change of changes) changed.set(`${change.account} ${change.key.a}`, change.position)
        after = position
        return changes.length
      }
    }
    const own = new Map<string, string>()
    const [readAll, readOwn] = [follow({}, seen), follow({ account }, own)]
    const read = async () => (await readAll()) + (await readOwn())
    let isWriting = true
    const written = (async () => {
      await Promise.all(accounts.map(name => runPull(app, job, name)))
      await app.hasura.sql(`update ${table.name} set title = title || '!', updated_at = now() where a % 3 = 0`)
      await Promise.all(accounts.map(name => runPull(app, job, name)))
    })().finally(() => {
      isWriting = false
    })
    while (isWriting) await read()
    await written
    while ((await read()) > 0);
    const { rows } = await sql<{ row: string; change: string }>`
      select _account || ' ' || a as row, _change::text as change from ${sql.table(`mirror.${table.name}`)}`.execute(
      app.deps.store,
    )
    expect(rows).toHaveLength(600)
    // A reader that had missed a change would have kept an older one, or none.
    expect(new Map([...seen].toSorted())).toEqual(
      new Map(rows.map(({ row, change }) => [row, change] as const).toSorted()),
    )
    expect(own).toEqual(new Map([...seen].filter(([row]) => row.startsWith(`${account} `))))
  })

  test('of one account leave its reader at the table’s end, so that it doesn’t meet the others’ again', async () => {
    const table = await createTable(3)
    const { mirror } = table.pull()
    const { store } = app.deps
    await runPull(app, table.pull(), account)
    await runPull(app, table.pull(), app.addAccount())
    const { position: end } = await readChanges(store, mirror, { after: beginning })
    expect(await readChanges(store, mirror, { after: beginning, account: 'nobody' })).toEqual({
      changes: [],
      position: end,
    })
    expect((await readChanges(store, mirror, { after: beginning, account })).position).toBe(end)
    // A full page says nothing about what is behind it.
    const { changes, position } = await readChanges(store, mirror, { after: beginning, account, limit: 3 })
    expect(position).toBe(changes[2]?.position)
    expect(position).not.toBe(end)
    expect(await readChanges(store, mirror, { after: '1000000' })).toEqual({ changes: [], position: '1000000' })
  })

  test('are handled exactly once where a reader commits its position with what it made of them', async () => {
    const table = await createTable(3)
    const { mirror } = table.pull()
    await runPull(app, table.pull(), account)
    const counted = `counted_${table.name}`
    await sql`create table ${sql.table(`mirror.${counted}`)} (a text primary key, times int)`.execute(app.deps.store)
    let fails = true
    const reader = defineJob({
      name: `count-${table.name}`,
      payload: z.strictObject({}),
      async run(_session, { store, transaction }) {
        const after = await findReaderPosition(store, 'counter', mirror)
        const { changes, position } = await readChanges(store, mirror, { after })
        await transaction(async tx => {
          for (const { key } of changes) {
            await sql`insert into ${sql.table(`mirror.${counted}`)} as c values (${key.a}, 1)
              on conflict (a) do update set times = c.times + 1`.execute(tx)
          }
          await saveReaderPosition(tx, 'counter', mirror, position)
          if (fails) throw new Error('killed before the commit')
        })
        return { counts: { read: changes.length } }
      },
    })
    app.addJob(reader)
    await expect(runPull(app, reader, account)).rejects.toThrow('killed')
    fails = false
    await runPull(app, reader, account)
    expect(await runPull(app, reader, account)).toMatchObject({ counts: { read: 0 } })
    const { rows } = await sql`select * from ${sql.table(`mirror.${counted}`)} order by a`.execute(app.deps.store)
    expect(rows).toEqual(['1', '2', '3'].map(a => ({ a, times: 1 })))
  })

  test('are followed by a job, page by page, and those of a page that failed come again', async () => {
    const table = await createTable(5)
    await runPull(app, table.pull(), account)
    const handled: string[][] = []
    let fails = true
    const follower = defineJob({
      name: `follow-${table.name}`,
      payload: z.strictObject({}),
      async run(_session, context) {
        const read = await followChanges(
          context,
          { reader: 'search', table: table.pull().mirror, limit: 2 },
          async changes => {
            handled.push(said(changes))
            if (fails && handled.length === 2) throw new Error('the index is away')
          },
        )
        return { counts: { read } }
      },
    })
    app.addJob(follower)
    await expect(runPull(app, follower, account)).rejects.toThrow('the index is away')
    fails = false
    expect(await runPull(app, follower, account)).toMatchObject({ counts: { read: 3 } })
    const page = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, n) => `upsert ${from + n}/k${from + n}`)
    expect(handled).toEqual([page(1, 2), page(3, 4), page(3, 4), page(5, 5)])
    expect(await runPull(app, follower, account)).toMatchObject({ counts: { read: 0 } })
  })
})
