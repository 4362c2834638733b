import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { UsageError } from '../../src/errors.ts'
import { startProcess } from '../../src/runs/process.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { takeLine } from '../fixtures/take-line.ts'

describe('forgetting', () => {
  let app: TestApp
  beforeAll(async () => {
    app = await openTestApp()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  const run = (account: string) =>
    app.operations.run(
      { job: 'sync-topics', account, payload: undefined, full: false },
      { onWaiting() {}, onProgress() {} },
      new AbortController().signal,
    )
  const mirrored = async (account: string) => {
    const { rows } = await sql<{
      count: string
    }>`select count(*) from mirror.topics where _account = ${account}`.execute(app.deps.store)
    return Number(rows[0]?.count)
  }

  test('a checkpoint makes the next run read everything, over the rows that are there', async () => {
    const account = app.addAccount()
    const first = await run(account)
    expect(await run(account)).toHaveProperty('from')
    await app.operations.reset('sync-topics', account)
    expect(await mirrored(account)).toBe(12)
    const again = await run(account)
    expect(again).toMatchObject({ counts: { read: 12, unchanged: 12 } })
    expect(again).not.toHaveProperty('from')
    expect(first).toMatchObject({ counts: { inserted: 12 } })
  })

  test('a run of a dead process keeps no command waiting, also where no worker is alive', async () => {
    const account = app.addAccount()
    const { database } = app
    const dead = await startProcess(
      { database, clock: systemClock, log: captureLog().log },
      { host: 'elsewhere', pid: 1, isAlone: false },
    )
    await takeLine({ store: app.deps.store, process: dead }, account, 'sync-topics')
    await dead[Symbol.asyncDispose]()
    await app.operations.reset('sync-topics', account)
    expect(await run(account)).toMatchObject({ counts: { inserted: 12 } })
  })

  test('an account takes its rows and its first login with it, and nobody else’s', async () => {
    const [account, other] = [app.addAccount(), app.addAccount()]
    await run(account)
    await run(other)
    await app.operations.forget(account)
    expect([await mirrored(account), await mirrored(other)]).toEqual([0, 12])
    const accounts = await app.operations.listAccounts()
    expect(accounts.find(({ name }) => name === account)?.firstLogin).toBe('pending')
    expect(accounts.find(({ name }) => name === other)?.firstLogin).toBe('visible')
    expect(await run(account)).toMatchObject({ counts: { inserted: 12 } })
  })

  test('an account leaves views, and tables that the worker didn’t make, as they are', async () => {
    const account = app.addAccount()
    await run(account)
    const { store } = app.deps
    await sql`create view mirror.topics_of_accounts as
      select _account, max(_change) as _change, count(*) as topics from mirror.topics group by _account`.execute(store)
    await sql`create table mirror.notes as select ${account}::text as _account, 'mine' as note`.execute(store)
    await app.operations.forget(account)
    expect(await mirrored(account)).toBe(0)
    const { rows } = await sql`select note from mirror.notes`.execute(store)
    expect(rows).toEqual([{ note: 'mine' }])
  })

  test('is refused while a run could write back what is forgotten, and leaves no lease behind', async () => {
    const account = app.addAccount()
    await run(account)
    await takeLine(app.deps, account, 'sync-topics')
    await expect(app.operations.forget(account)).rejects.toThrow(UsageError)
    await expect(app.operations.reset('sync-topics', account)).rejects.toThrow('sync-topics is running')
    expect(await mirrored(account)).toBe(12)
    await takeLine(app.deps, account, 'sync-users')
  })
})
