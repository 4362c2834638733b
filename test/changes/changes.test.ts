import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { beginning, type Change, readChanges } from '../../src/changes/changes.ts'
import { type CommitChanges, followChanges } from '../../src/changes/follow-changes.ts'
import { defineJob, type JobContext, type JobDefinition } from '../../src/definitions/define-job.ts'
import type { Session } from '../../src/gate/session.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import type { SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

type Follow = (context: JobContext<unknown>, session: Session) => Promise<number>

const test = tableTest
  .extend('createTable', ({ sandbox, app }) => async (rows: number): Promise<SourceTable> => {
    const table = await sandbox.createTable({
      columns: 'a int, b text, title text, updated_at timestamptz not null default now(), primary key (a, b)',
      key: ['a', 'b'],
    })
    await app.hasura.sql(`insert into ${table.name} select n, 'k' || n, 'row ' || n from generate_series(1, ${rows}) n`)
    return table
  })
  /** A follower that counts the changes of each row in a table of its own, in the transaction that moves its position. */
  .extend('createCounter', ({ app }) => async (table: SourceTable) => {
    const counted = sql.table(`mirror.counted_${table.name}`)
    await sql`create table ${counted} (row text primary key, times int)`.execute(app.deps.store)
    const count =
      (changes: readonly Change[]): CommitChanges =>
      async tx => {
        for (const change of changes) {
          await sql`insert into ${counted} as c values (${`${change.account}/${change.key.a}`}, 1)
            on conflict (row) do update set times = c.times + 1`.execute(tx)
        }
      }
    const read = async () => {
      const { rows } = await sql<{ times: number }>`select times from ${counted}`.execute(app.deps.store)
      return rows.map(({ times }) => times)
    }
    return { count, read }
  })
  .extend('createFollower', ({ app }) => (table: SourceTable, follow: Follow): JobDefinition => {
    const job = defineJob({
      name: `follow-${table.name}`,
      payload: z.strictObject({}),
      run: async (session, context) => ({ counts: { read: await follow(context, session) } }),
    })
    app.addJob(job)
    return job
  })

describe.each(stores)('the changes of a mirror table on %s', backend => {
  test.override('backend', backend)

  const said = (changes: readonly Change[]) => changes.map(({ op, key }) => `${op} ${key.a}/${key.b}`)

  test('are the latest of each row, in their order, from the beginning or from where a reader was', async ({
    createTable,
    app,
    account,
  }) => {
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

    await runPull(app, table.pull(), account, { payload: { full: true } })
    expect(await readChanges(app.deps.store, mirror, { after: all.position })).toMatchObject({ changes: [] })
    const two = await readChanges(app.deps.store, mirror, { after: beginning, limit: 2, account })
    expect(said(two.changes)).toEqual(['upsert 3/k3', 'upsert 1/k1'])
    expect((await readChanges(app.deps.store, mirror, { after: beginning, account: 'nobody' })).changes).toEqual([])
  })

  test('have new numbers also after schema "worker" was restored without the mirror', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(3)
    const { mirror } = table.pull()
    await runPull(app, table.pull(), account)
    await sql`update worker.change_counters set last = 1 where mirror = ${table.name}`.execute(app.deps.store)
    expect(await readChanges(app.deps.store, mirror, { after: '3' })).toEqual({ changes: [], position: '3' })

    await app.hasura.sql(`update ${table.name} set title = 'new', updated_at = now()`)
    await runPull(app, table.pull(), account)
    const { changes } = await readChanges(app.deps.store, mirror, { after: '3' })
    expect(said(changes)).toEqual(['upsert 1/k1', 'upsert 2/k2', 'upsert 3/k3'])
  })

  test('reach a reader without a gap and in order while several accounts’ runs write them', async ({
    createTable,
    account,
    app,
  }) => {
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

  test('of one account leave its reader at the table’s end, so that it doesn’t meet the others’ again', async ({
    createTable,
    app,
    account,
  }) => {
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
  })

  test('are refused to a reader that is ahead of the table, so that it reads again', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(3)
    const { mirror } = table.pull()
    const { store } = app.deps
    await runPull(app, table.pull(), account)
    const { position: end } = await readChanges(store, mirror, { after: beginning })
    const ahead = String(BigInt(end) + 1n)
    for (const options of [{ after: ahead }, { after: ahead, account }]) {
      await expect(readChanges(store, mirror, options)).rejects.toMatchObject({
        name: 'PositionError',
        code: 'position',
        found: expect.stringContaining(
          `Position ${ahead} comes after the last change of mirror.${mirror.into} (${end})`,
        ),
        remedy: 'read again from position 0',
      })
    }
    expect(await readChanges(store, mirror, { after: end })).toEqual({ changes: [], position: end })
  })

  test('are handled exactly once in the transaction that moves the reader, also when that one fails', async ({
    createTable,
    app,
    account,
    createCounter,
    createFollower,
  }) => {
    const table = await createTable(3)
    const reader = { reader: 'counter', table: table.pull().mirror }
    await runPull(app, table.pull(), account)
    const { count, read } = await createCounter(table)
    let fails = true
    const job = createFollower(table, context =>
      followChanges(context, reader, async changes => async tx => {
        await count(changes)(tx)
        if (fails) throw new Error('killed before the commit')
      }),
    )
    await expect(runPull(app, job, account)).rejects.toThrow('killed')
    expect(await read()).toEqual([])
    fails = false
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 3 } })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 0 } })
    expect(await read()).toEqual([1, 1, 1])
  })

  test('are handled once though two accounts’ runs follow the same reader in two processes', async ({
    createTable,
    app,
    account,
    createCounter,
    createFollower,
  }) => {
    const table = await createTable(105)
    const second = app.addAccount()
    await using peer = await app.openPeer()
    for (const name of [account, second]) await runPull(app, table.pull(), name)
    const { count, read } = await createCounter(table)
    const reader = { reader: 'counter', table: table.pull().mirror, limit: 10 }
    let handled = 0
    const job = createFollower(table, context =>
      followChanges(context, reader, async changes => {
        handled += changes.length
        return count(changes)
      }),
    )
    await Promise.all([runPull(app, job, account), runPull(peer, job, second)])
    expect(handled).toBe(210)
    expect(await read()).toEqual(Array.from({ length: 210 }, () => 1))
  })

  test('are left to the run that follows the reader, which looks once more before it lets go', async ({
    createTable,
    app,
    account,
    createFollower,
  }) => {
    const table = await createTable(2)
    const second = app.addAccount()
    await runPull(app, table.pull(), account)
    const handled: string[][] = []
    let committed = 0
    let late: unknown
    const reader = { reader: 'search', table: table.pull().mirror, limit: 1 }
    const job = createFollower(table, context => {
      const transaction: typeof context.transaction = async work => {
        committed += 1
        // Its claim, its two pages, and now it lets go: it has read that nothing follows.
        if (committed === 4) {
          await app.hasura.sql(`insert into ${table.name} values (3, 'k3')`)
          await runPull(app, table.pull(), account)
          late = await runPull(app, job, second)
        }
        return context.transaction(work)
      }
      return followChanges({ ...context, transaction }, reader, async changes => void handled.push(said(changes)))
    })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 3 } })
    expect(late).toMatchObject({ counts: { read: 0 } })
    expect(handled).toEqual([['upsert 1/k1'], ['upsert 2/k2'], ['upsert 3/k3']])
  })

  test('of a run whose process was taken for dead are handled by another, and that one commits nothing any more', async ({
    createTable,
    app,
    account,
    createCounter,
    createFollower,
  }) => {
    const table = await createTable(3)
    const second = app.addAccount()
    await runPull(app, table.pull(), account)
    const { count, read } = await createCounter(table)
    const reader = { reader: 'counter', table: table.pull().mirror }
    let other: unknown
    const job = createFollower(table, (context, session) =>
      followChanges(context, reader, async changes => {
        if (session.account.name === account) {
          await app.deps.store
            .updateTable('worker.runs')
            .set({ process: randomUUID() })
            .where('request_id', '=', context.requestId)
            .execute()
          other = await runPull(app, job, second)
        }
        return count(changes)
      }),
    )
    await expect(runPull(app, job, account)).rejects.toMatchObject({ name: 'TransientError', code: 'reader-moved' })
    expect(other).toMatchObject({ counts: { read: 3 } })
    expect(await read()).toEqual([1, 1, 1])
  })

  test('of each account are handled by its own run where the reader says so', async ({
    createTable,
    account,
    app,
    createFollower,
  }) => {
    const table = await createTable(3)
    const accounts = [account, app.addAccount()]
    for (const name of accounts) await runPull(app, table.pull(), name)
    const handled: string[] = []
    const job = createFollower(table, (context, session) => {
      const reader = { reader: 'own', table: table.pull().mirror, account: session.account.name }
      return followChanges(context, reader, async changes => {
        for (const change of changes) handled.push(`${session.account.name} ${change.account} ${change.key.a}`)
      })
    })
    for (const name of [...accounts, ...accounts]) await runPull(app, job, name)
    expect(handled).toEqual(accounts.flatMap(name => ['1', '2', '3'].map(a => `${name} ${name} ${a}`)))
  })

  test('are followed by a job, page by page, and those of a page that failed come again', async ({
    createTable,
    app,
    account,
    createFollower,
  }) => {
    const table = await createTable(5)
    await runPull(app, table.pull(), account)
    const handled: string[][] = []
    let fails = true
    const reader = { reader: 'search', table: table.pull().mirror, limit: 2 }
    const follower = createFollower(table, context =>
      followChanges(context, reader, async changes => {
        handled.push(said(changes))
        if (fails && handled.length === 2) throw new Error('the index is away')
      }),
    )
    await expect(runPull(app, follower, account)).rejects.toThrow('the index is away')
    fails = false
    // Another account's run goes on where the one that failed was.
    expect(await runPull(app, follower, app.addAccount())).toMatchObject({ counts: { read: 3 } })
    const page = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, n) => `upsert ${from + n}/k${from + n}`)
    expect(handled).toEqual([page(1, 2), page(3, 4), page(3, 4), page(5, 5)])
    expect(await runPull(app, follower, account)).toMatchObject({ counts: { read: 0 } })
  })
})
