import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { LeaseLostError, NotFoundError, TransientError, UsageError } from '../../src/errors.ts'
import { admit } from '../../src/execution/admit.ts'
import { forgetAccount } from '../../src/forget/forget-account.ts'
import { openTickets } from '../../src/queue/tickets.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { readRedis } from '../e2e/read-redis.ts'
import { readTables } from '../e2e/read-tables.ts'
import { appTest } from '../fixtures/app-test.ts'
import { again, done } from '../fixtures/open-lines.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { takeLine } from '../fixtures/take-line.ts'
import { countRows, findAccountTables, mirrorTopic, recordEverything } from './rows-of-account.ts'

const run = (app: TestApp, account: string) =>
  app.operations.run({ job: 'sync-topics', account }, { signal: AbortSignal.timeout(20_000) })

const test = appTest
  .extend(
    'store',
    ({ app }) =>
      () =>
        app.deps.store,
  )
  .extend(
    'forget',
    ({ app }) =>
      (account: string, configured = false) =>
        app.operations.forget({ account, configured }),
  )
  .extend(
    'hasRows',
    ({ store }) =>
      async (account: string) =>
        Object.values(await countRows(store(), account)).some(count => count > 0),
  )
  /** Whatever is stored that has the account's name in it. */
  .extend('findTraces', ({ app, store }) => async (account: string) => {
    const { redisUrl } = app.config
    const stored = [
      ...(await readTables(store())).map(({ rows }) => rows),
      ...(redisUrl ? await readRedis(redisUrl) : []),
    ]
    return stored.filter(text => text.includes(account) || text.includes(encodeURIComponent(account)))
  })

describe.each(backends)('an account that is forgotten on %s', backend => {
  test.override('backend', backend)

  test('is found in no table, payload, key or ticket; others keep everything', async ({
    app,
    store,
    forget,
    findTraces,
  }) => {
    const [account, other] = [app.addAccount(), app.addAccount()]
    {
      await using _serving = await app.serve()
      for (const name of [account, other]) {
        const request = {
          job: 'bootstrap-account',
          account: name,
          payload: undefined,
          trigger: 'cli',
          caller: 'cli',
        } as const
        const { id } = await app.operations.makeRequest(request)
        await expect.poll(async () => (await app.operations.getRequest({ id })).state, { timeout: 20_000 }).toBe('done')
      }
    }
    for (const name of [account, other]) await recordEverything(store(), name)
    // Nobody serves it now, so its ticket stays where it is.
    await app.operations.makeRequest({ job: 'sync-users', account, payload: undefined, trigger: 'cli', caller: 'cli' })
    await app.removeAccount(account)

    const before = await countRows(store(), account)
    expect(Object.entries(before).filter(([, count]) => count === 0)).toEqual([])
    const kept = await countRows(store(), other)
    await forget(account)
    expect(await findTraces(account)).toEqual([])
    expect(await countRows(store(), other)).toEqual(kept)
    await expect(forget(account)).rejects.toThrow(NotFoundError)
  })

  test('is refused while it is configured, and starts from nothing on request', async ({ app, forget, hasRows }) => {
    const account = app.addAccount()
    await run(app, account)
    await expect(forget(account)).rejects.toThrow(UsageError)
    await expect(forget(account)).rejects.toThrow(
      `run "npm run -s cli -- forget ${account} --configured" to let it start again`,
    )
    await forget(account, true)
    expect(await hasRows(account)).toBe(false)
    expect(await run(app, account)).toMatchObject({ counts: { inserted: 12 } })
  })

  test('is refused while a worker elsewhere serves it, which is named', async ({ app, forget }) => {
    const account = app.addAccount()
    await run(app, account)
    await using peer = await app.openPeer()
    await peer.serve()
    await app.removeAccount(account)
    await expect(forget(account)).rejects.toThrow(/is still configured: the worker on .+ \(process \d+\) serves it/)
  })

  test('is refused while a run could write back what goes, which loses nothing; a run that is superseded writes nothing', async ({
    app,
    store,
    forget,
    findTraces,
  }) => {
    const account = app.addAccount()
    await run(app, account)
    const lease = await takeLine(app.deps, account, 'sync-topics')
    await app.removeAccount(account)
    const before = await countRows(store(), account)
    await expect(forget(account)).rejects.toThrow('sync-topics is running')
    expect(await countRows(store(), account)).toEqual(before)
    // Its process was taken for dead meanwhile, and wakes up after the account was forgotten.
    await endRun(store(), lease.runId, { ...again(0, 0), run: 'interrupted', request: 'failed' })
    await forget(account)
    await endRun(store(), lease.runId, done)
    expect(await findTraces(account)).toEqual([])
  })

  test('is not recorded again by a process that was paused before its first token', async ({
    app,
    store,
    forget,
    findTraces,
  }) => {
    const account = app.addAccount()
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const job = app.deps.jobs.get('sync-topics') ?? expect.fail()
    const lease = await takeLine(app.deps, account, job.name)
    const none = { requestId: '', payload: {}, trigger: 'cli', failures: 0, probed: false, known: null }
    const { signal } = new AbortController()
    const goOn = () =>
      admit(
        app.deps,
        { lease, job, access, signal, ...none },
        { job: job.name, account, run: lease.runId, request: '' },
      )
    await app.removeAccount(account)
    await endRun(store(), lease.runId, { ...again(0, 0), run: 'interrupted', request: 'failed' })
    await forget(account)
    await expect(goOn()).rejects.toThrow(LeaseLostError)
    expect(await findTraces(account)).toEqual([])
  })

  test('of a run that no process is left of is forgotten', async ({ app, forget, findTraces }) => {
    const account = app.addAccount()
    {
      await using peer = await app.openPeer()
      await takeLine(peer.deps, account, 'sync-topics')
    }
    await app.removeAccount(account)
    await forget(account)
    expect(await findTraces(account)).toEqual([])
  })

  test('leaves what failed actions told of an account whose name contains its name', async ({ app, store, forget }) => {
    const account = app.addAccount()
    await app.removeAccount(account)
    await recordEverything(store(), account)
    const longer = `${account}-west`
    await sql`insert into worker.audit (viewer, action, wanted, outcome, told) values
      (${longer}, 'run', jsonb_build_object('account', ${longer}::text), 'failed', ${`Account "${longer}" has no job`})`.execute(
      store(),
    )
    await forget(account)
    const rows = store().selectFrom('worker.audit').select('told').where('viewer', '=', longer)
    expect(await rows.execute()).toEqual([{ told: `Account "${longer}" has no job` }])
  })

  test('leaves views, and tables that the worker did not make, as they are', async ({
    app,
    store,
    forget,
    findTraces,
  }) => {
    const account = app.addAccount()
    await run(app, account)
    await sql`create view mirror.topics_of_accounts as
      select _account, max(_change) as _change, count(*) as topics from mirror.topics group by _account`.execute(
      store(),
    )
    await sql`create table mirror.notes as select ${account}::text as _account, 'mine' as note`.execute(store())
    await forget(account, true)
    const { rows } = await sql`select note from mirror.notes`.execute(store())
    expect(rows).toEqual([{ note: 'mine' }])
    await sql`drop table mirror.notes`.execute(store())
    expect(await findTraces(account)).toEqual([])
  })

  test('is forgotten once no table of others refers to its rows, which is named', async ({
    app,
    store,
    forget,
    findTraces,
  }) => {
    const account = app.addAccount()
    await run(app, account)
    await sql`create table public.bookmarks as select _account, id from mirror.topics where _account = ${sql.lit(account)}`.execute(
      store(),
    )
    await sql`alter table public.bookmarks add constraint bookmark_topic
      foreign key (_account, id) references mirror.topics on delete restrict`.execute(store())
    // Postgres 18, which is embedded, has a code of its own for "restrict".
    await expect(forget(account, true)).rejects.toThrow(
      /^The foreign key "bookmark_topic" of public\.bookmarks keeps rows of the worker from being deleted \(SQLSTATE 23(?:503|001)\): drop it/,
    )
    await sql`drop table public.bookmarks`.execute(store())
    await forget(account, true)
    expect(await findTraces(account)).toEqual([])
  })

  test('takes only its own rows from a partitioned table, where those of others have the same ctid', async ({
    store,
    forget,
  }) => {
    // Their hashes spread them over both partitions.
    const accounts = Array.from({ length: 20 }, (_, n) => `account-${n}`)
    await sql`create table mirror.split (_account text, _change bigint, primary key (_account)) partition by hash (_account)`.execute(
      store(),
    )
    for (const remainder of [0, 1]) {
      await sql`create table ${sql.table(`mirror.split_${remainder}`)} partition of mirror.split
        for values with (modulus 2, remainder ${sql.lit(remainder)})`.execute(store())
    }
    const split = async () => {
      const { rows } = await sql<{ account: string }>`select _account as account from mirror.split`.execute(store())
      return rows.map(row => row.account).sort()
    }
    try {
      await sql`insert into mirror.split select unnest(${accounts}::text[]), 1`.execute(store())
      for (const account of accounts.slice(0, 3)) await forget(account)
      expect(await split()).toEqual(accounts.slice(3).sort())
    } finally {
      await sql`drop table mirror.split`.execute(store())
    }
  })

  test.skipIf(backend === 'redis')(
    'only partly, interrupted at any table, is read from the beginning or forgotten by the next call',
    async ({ app, store, forget, findTraces }) => {
      await run(app, app.addAccount())
      await sql`create function public.break_off() returns trigger language plpgsql as $$ begin raise 'broken off'; end $$`.execute(
        store(),
      )
      const tables = (await findAccountTables(store())).map(({ table }) => table)
      for (const table of tables.filter(name => name.startsWith('worker.') || name === 'mirror.topics')) {
        const account = `account-${randomUUID()}`
        await recordEverything(store(), account)
        await mirrorTopic(store(), account)
        const breaking = `break_off before delete on ${table}`
        await sql.raw(`create trigger ${breaking} for each row execute function public.break_off()`).execute(store())
        await expect(forget(account)).rejects.toThrow('broken off')
        await sql.raw(`drop trigger break_off on ${table}`).execute(store())
        const left = await countRows(store(), account)
        if (left['mirror.topics'] === 0) expect(left).toMatchObject({ 'worker.checkpoints': 0, 'worker.full_reads': 0 })
        await forget(account)
        expect(await findTraces(account), table).toEqual([])
      }
    },
  )
})

describe.runIf(backends.includes('redis'))('the tickets of an account', () => {
  test('keep it from being forgotten while Redis is away, and it is forgotten when Redis is back', async ({
    sandbox,
  }) => {
    await using app = await openTestApp({ backend: 'redis', sandbox })
    const account = app.addAccount()
    await acceptRequest(app.deps.store, { account, job: 'sync-topics', payload: {}, trigger: 'cli', caller: 'test' })
    await app.removeAccount(account)
    await using away = openTickets('redis://127.0.0.1:1', app.deps)
    const forgetting = forgetAccount({ ...app.deps, dropTickets: away.drop }, account, { configured: false })
    await expect(forgetting).rejects.toThrow(TransientError)
    await app.operations.forget({ account, configured: false })
    await expect(app.operations.forget({ account, configured: false })).rejects.toThrow(NotFoundError)
  })
})
