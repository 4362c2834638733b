import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Serving } from '../../src/app/serve-lines.ts'
import { followChanges } from '../../src/changes/follow-changes.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import type { PullJob } from '../../src/pull/pull-sync.ts'
import { defineWebhook } from '../../src/webhooks/define-webhook.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { expectMirrored, openTableSandbox, type SourceTable, type TableSandbox } from '../fixtures/source-table.ts'
import { until } from '../fixtures/until.ts'
import { newSecret } from '../webhooks/open-webhooks.ts'
import { type Receiver, startReceiver } from '../webhooks/start-receiver.ts'

const account = 'default'
const secret = newSecret()

let sandbox: TableSandbox
let receiver: Receiver
beforeAll(async () => {
  sandbox = await openTableSandbox({ hasura: { seed: false, refetchMs: 100 } })
  receiver = await startReceiver(secret)
})
afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
})

describe.each(backends)('a live pull on %s', backend => {
  let app: TestApp
  let serving: Serving
  let table: SourceTable
  let job: PullJob<string>
  let followed: string[]
  beforeAll(async () => {
    const permission = { columns: '*' as const, filter: {}, allow_aggregations: true }
    table = await sandbox.createTable({
      columns: 'id int primary key, title text, updated_at timestamptz not null default now()',
      metadata: { select_permissions: [{ role: 'viewer', permission }] },
    })
    await sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at)
      select n, 'row ' || n, timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, 30) n`)
    job = table.pull({ live: { intervalMs: 100 } })
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
    const webhook = defineWebhook({ name: 'send-things', tables: [job.mirror] })
    receiver.received.length = 0
    app = await openTestApp({
      backend,
      sandbox,
      jobs: [job, follower, webhook],
      firstLogin: null,
      schemaFolder: sandbox.schemaFolder,
      clients: [{ clientId: account }],
      env: {
        SEND_THINGS_URL: receiver.url,
        SEND_THINGS_SECRET: secret,
        WEBHOOK_PRIVATE_HOSTS: '127.0.0.1',
      },
    })
    serving = await app.serve()
    await until(isLive)
    await until(isMirrored)
  })
  afterAll(() => app?.[Symbol.asyncDispose]())
  afterEach(() => {
    sandbox.hasura.sockets.refuse(undefined)
  })

  /** As `GET /accounts` tells it. */
  const state = async () => {
    const [{ live = [] } = {}] = await app.operations.listAccounts({})
    return live[0]?.problem?.code ?? live[0]?.state
  }
  const isLive = async () => (await state()) === 'live'
  const requests = async () => {
    const { store } = app.deps
    const all = store.selectFrom('worker.requests').select(['payload', 'trigger'])
    return await all.where('job', '=', job.name).orderBy('seq').execute()
  }
  /** So many of them ask for a scan of the lookback: somebody had not listened. */
  const countMissed = async () =>
    (await requests()).filter(({ payload, trigger }) => trigger === 'live' && Object.keys(payload).length === 0).length
  const isMirrored = () =>
    expectMirrored(app, table, account).then(
      () => true,
      () => false,
    )
  const hasEnded = async () => {
    const open = app.deps.store.selectFrom('worker.requests').select('id').where('ended_at', 'is', null)
    return (await open.execute()).length === 0
  }
  const insert = (id: number) =>
    sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (${id}, 'row ' || ${id}, now())`)

  test('follows a row that is written or changed, by scans that start at the greatest cursor', async () => {
    const before = (await requests()).length
    await insert(31)
    await expect.poll(isMirrored).toBe(true)
    await sandbox.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now() where id = 1`)
    await expect.poll(isMirrored).toBe(true)
    const made = (await requests()).slice(before)
    expect(made.every(({ payload, trigger }) => trigger === 'live' && 'rung' in payload)).toBe(true)
  })

  test('makes one request an interval at most, however often the table changes', async () => {
    const before = (await requests()).length
    const startedAt = Date.now()
    for (let id = 100; id < 160; id += 1) await insert(id)
    await expect.poll(isMirrored).toBe(true)
    const intervals = Math.ceil((Date.now() - startedAt) / 100)
    expect((await requests()).length - before).toBeLessThanOrEqual(intervals + 1)
  })

  test('finds a row that was deleted, where the role may count', async () => {
    // A row that was inserted since the last count would make up for it.
    await sandbox.hasura.sockets.polled()
    await sandbox.hasura.sql(`delete from ${table.name} where id = 2`)
    await expect.poll(isMirrored).toBe(true)
    expect((await requests()).map(({ payload }) => payload)).toContainEqual({ sweep: true })
    await expect.poll(() => followed).toContain('delete 2')
  })

  test('runs on schedule where no WebSocket passes, holds nothing, and scans when one does', async () => {
    sandbox.hasura.sockets.refuse(426)
    sandbox.hasura.sockets.drop()
    await expect.poll(state).toBe('upgrade')
    await insert(34)
    // What a schedule asks for.
    const { id } = await app.operations.makeRequest({ job: job.name, account, payload: {} })
    await app.operations.getRequest({ id, waitSeconds: 60 })
    await expectMirrored(app, table, account)
    expect(await app.operations.listHolds()).toEqual([])
    const missed = await countMissed()
    sandbox.hasura.sockets.refuse(undefined)
    await expect.poll(isLive).toBe(true)
    await expect.poll(countMissed).toBeGreaterThan(missed)
  })

  test('closes its connection while the account is rate limited, whichever process was told', async () => {
    // A run that succeeds lifts the hold of another.
    await expect.poll(hasEnded).toBe(true)
    const hold = { account, job: '', met_by: 'run', code: 'rate-limited', found: 'x', remedy: null } as const
    const probeAt = new Date(Date.now() + 3_600_000)
    await app.deps.store
      .insertInto('worker.holds')
      .values({ ...hold, probe_at: probeAt })
      .execute()
    await expect.poll(() => sandbox.hasura.sockets.open).toEqual([])
    expect(await state()).toBe('held')
    const { attempts } = sandbox.hasura.sockets
    await insert(35)
    await app.deps.store.deleteFrom('worker.holds').execute()
    expect(sandbox.hasura.sockets.attempts).toBe(attempts)
    await expect.poll(isLive).toBe(true)
    await expect.poll(isMirrored).toBe(true)
  })

  test('listens in one process of all; when that stops, another does', async () => {
    await using peer = await app.openPeer()
    await peer.serve()
    await insert(36)
    await expect.poll(isMirrored).toBe(true)
    expect(sandbox.hasura.sockets.open).toHaveLength(1)
    await serving[Symbol.asyncDispose]()
    await insert(37)
    await expect.poll(isMirrored).toBe(true)
    expect(sandbox.hasura.sockets.open).toHaveLength(1)
    serving = await app.serve()
  })

  test('tells readers of its changes and webhooks at once, without a look at the store', async () => {
    await until(async () => (await isLive()) && (await isMirrored()))
    await stopLooking(app)
    await insert(41)
    await expect.poll(() => followed).toContain('upsert 41')
    const sent = () => receiver.received.flatMap(({ data }) => data.changes.map(({ op, key }) => `${op} ${key.id}`))
    await expect.poll(sent).toContain('upsert 41')
  })
})

/** From now on no look at the store finds a line to wake. */
async function stopLooking({ deps: { store } }: TestApp): Promise<void> {
  const { rows } = await sql<{ takes: string; gives: string }>`
    select pg_get_function_identity_arguments(oid) as takes, pg_get_function_result(oid) as gives
    from pg_proc where oid = 'worker.look'::regproc`.execute(store)
  const [{ takes, gives } = { takes: '', gives: '' }] = rows
  const given = takes.split(',').map((_, index) => `$${index + 1}`)
  await sql`alter function worker.look rename to look_all`.execute(store)
  await sql
    .raw(
      `create function worker.look(${takes}) returns ${gives} language sql as $$
        select * from worker.look_all(${given}) where kind <> 'wake' $$`,
    )
    .execute(store)
}
