import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Change } from '../../src/changes/changes.ts'
import { followChanges } from '../../src/changes/follow-changes.ts'
import { defineJob, type JobContext } from '../../src/definitions/define-job.ts'
import { mirrorRows } from '../../src/mirror/mirror-rows.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'

let app: TestApp
const test = sandboxTest.extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })

test.beforeAll(async ({ sandbox }) => {
  app = await openTestApp({ backend: 'embedded', sandbox, firstLogin: null, jobs: [] })
})
test.afterAll(() => app[Symbol.asyncDispose]())

/** Keys that an array, a row or a pattern of Postgres would have to quote. */
const id = fc.constantFrom('a', '', ' ', 'NULL', '{x,y}', 'ü"\'\\')
const row = fc.record({ id, n: fc.nat(2) })
const account = fc.constantFrom<0 | 1>(0, 1)
const write = fc.record({
  does: fc.constant('write' as const),
  account,
  rows: fc.array(row, { maxLength: 4 }),
  deleted: fc.array(id, { maxLength: 3 }),
})
const read = fc.record({
  does: fc.constant('read' as const),
  reader: fc.constantFrom('all', 'own', 'http'),
  limit: fc.integer({ min: 1, max: 3 }),
  /** What breaks at this page: its handler, its commit, or what comes after. */
  breaks: fc.constantFrom(undefined, undefined, 'handler', 'commit', 'answer'),
  page: fc.nat(2),
  /** Written while the first page is handled. */
  meanwhile: fc.option(write, { nil: undefined }),
})
const step = fc.oneof(
  { weight: 5, arbitrary: write },
  { weight: 6, arbitrary: read },
  { weight: 1, arbitrary: fc.constantFrom({ does: 'drop' as const }, { does: 'lose-counter' as const }) },
)
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never
type Read = typeof read extends fc.Arbitrary<infer T> ? T : never

const broken = new Error('it breaks here')
const nothing = z.strictObject({})

/** A table of two accounts, who writes it, and who reads its changes. */
function openFeed() {
  const name = randomUUID().slice(0, 8)
  const table = mirrorRows({
    into: `fed_${name}`,
    key: ['id', 'k'],
    columns: { id: 'text', k: 'numeric', n: 'integer' },
  })
  const accounts = [app.addAccount(), app.addAccount()] as const
  const heldBy = new Map<string, Map<string, Pick<Change, 'op' | 'position'>>>()
  const dropped = new Set<string>()
  let httpPosition = '0'
  let reading: Read

  const payload = z.strictObject({
    rows: z.array(z.object({ id: z.string(), n: z.number() })),
    deleted: z.array(z.string()),
  })
  const writer = defineJob({
    name: `write-${name}`,
    payload,
    into: table.into,
    async run(session, { payload: { rows, deleted }, transaction }) {
      await transaction(async tx => {
        await table.ensure(tx)
        await table.write(
          tx,
          session.account.name,
          rows.map(each => ({ ...each, k: '1.0' })),
        )
        await table.markDeleted(
          tx,
          session.account.name,
          deleted.map(each => [each, '1.00']),
        )
      })
      return {}
    },
  })
  const all = followerOf('all')
  const own = followerOf('own')
  for (const job of [writer, all, own]) app.addJob(job)

  function take(reader: string, changes: readonly Change[]): void {
    const held = heldBy.get(reader) ?? new Map<string, Pick<Change, 'op' | 'position'>>()
    heldBy.set(reader, held)
    const places = changes.map(({ position }) => BigInt(position))
    expect(places).toEqual([...new Set(places)].sort((a, b) => (a < b ? -1 : 1)))
    for (const { op, position, account: of, key } of changes) {
      const before = held.get(`${of} ${key.id}`)?.position ?? '0'
      expect(BigInt(position)).toBeGreaterThanOrEqual(BigInt(before))
      held.set(`${of} ${key.id}`, { op, position })
    }
  }

  function followerOf(reader: 'all' | 'own') {
    return defineJob({
      name: `follow-${reader}-${name}`,
      payload: nothing,
      async run(session, context) {
        const { limit, breaks, page, meanwhile } = reading
        let [pages, commits] = [0, 0]
        // The first one claims the reader.
        const transaction: JobContext<unknown>['transaction'] = async work => {
          const done = await context.transaction(work)
          if (breaks === 'answer' && commits++ === page + 1) throw broken
          return done
        }
        const mine = reader === 'own' ? { account: session.account.name } : {}
        await followChanges({ ...context, transaction }, { reader, table, limit, ...mine }, async changes => {
          if (pages === 0 && meanwhile) await put(meanwhile)
          take(reader, changes)
          const isHere = pages++ === page
          if (isHere && breaks === 'handler') throw broken
          return () => (isHere && breaks === 'commit' ? Promise.reject(broken) : Promise.resolve())
        })
        return {}
      },
    })
  }

  async function readByHttp({ limit, breaks, page, meanwhile }: Read): Promise<void> {
    for (let at = 0; ; at += 1) {
      const found = await app.operations.listChanges({ table: table.into, after: httpPosition, limit })
      if (at === 0 && meanwhile) await put(meanwhile)
      take('http', found.changes)
      if (at === page && breaks !== undefined) return
      httpPosition = found.position
      if (found.changes.length < limit) return
    }
  }

  async function put({ account: at, rows, deleted }: Omit<Write, 'does'>): Promise<void> {
    await runPull(app, writer, accounts[at], { payload: { rows, deleted } as object })
  }

  async function mirrored() {
    const { rows } = await sql<{ key: string; op: Change['op']; position: string }>`
      select _account || ' ' || id as key, _change::text as position,
        case when _deleted_at is null then 'upsert' else 'delete' end as op
      from ${sql.table(`mirror.${table.into}`)}`.execute(app.deps.store)
    return rows
  }

  return {
    put,
    async read(wanted: Read): Promise<void> {
      reading = wanted
      if (wanted.reader === 'http') return readByHttp(wanted)
      await runPull(app, wanted.reader === 'all' ? all : own, accounts[0]).catch((error: unknown) => {
        if (!(error instanceof Error) || error.cause !== broken) throw error
      })
    },
    async drop(): Promise<void> {
      // Without its rows, only the counter knows which numbers it has had.
      await put({ account: 0, rows: [{ id: 'a', n: 0 }], deleted: ['a'] })
      for (const { key } of await mirrored()) dropped.add(key)
      await sql`drop table ${sql.table(`mirror.${table.into}`)}`.execute(app.deps.store)
      await put({ account: 0, rows: [], deleted: [] })
    },
    /** As after a restore of schema `worker` alone, unless a reader has seen a number that no row has. */
    async loseCounter(): Promise<void> {
      await sql`update worker.change_counters set last = 0 where mirror = ${table.into}
        and last = (select max(_change) from ${sql.table(`mirror.${table.into}`)})`.execute(app.deps.store)
    },
    async expectEqual(): Promise<void> {
      const rows = await mirrored()
      for (const reader of ['all', 'own', 'http']) {
        const visible = rows.filter(({ key }) => reader !== 'own' || key.startsWith(`${accounts[0]} `))
        const here = new Set(visible.map(({ key }) => key))
        const held = [...(heldBy.get(reader) ?? [])].filter(([key]) => here.has(key) || !dropped.has(key))
        expect([reader, Object.fromEntries(held)]).toEqual([
          reader,
          Object.fromEntries(visible.map(({ key, op, position }) => [key, { op, position }])),
        ])
      }
    },
  }
}

test('whatever happens to a table and its readers, each ends with the latest change of every row', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 15 }), async steps => {
      const feed = openFeed()
      await feed.put({ account: 1, rows: [{ id: 'a', n: 0 }], deleted: [] })
      for (const each of steps) {
        if (each.does === 'write') await feed.put(each)
        else if (each.does === 'read') await feed.read(each)
        else if (each.does === 'drop') await feed.drop()
        else await feed.loseCounter()
      }
      const whole = { does: 'read', limit: 2, breaks: undefined, page: 0, meanwhile: undefined } as const
      for (const reader of ['all', 'own', 'http'] as const) await feed.read({ ...whole, reader })
      await feed.expectEqual()
    }),
    { numRuns: 40 },
  )
})
