import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { type ClaimedRun, claimRun } from '../../src/runs/claim-run.ts'
import { endRun } from '../../src/runs/end-run.ts'
import type { Ending } from '../../src/runs/ending.ts'
import { fencedStatement, fencedTransaction } from '../../src/runs/lease.ts'
import { acceptRequest, cancelRequest, type NewRequest, reserveRequest } from '../../src/runs/requests.ts'
import { type Database, openDatabase } from '../../src/store/open-database.ts'
import type { Store } from '../../src/store/store.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const done: Ending = { run: 'succeeded', request: 'done', pauseMs: 0, failures: 0, lifts: true }
const again = (failures = 1, pauseMs = 3_600_000): Ending => ({
  run: 'failed',
  request: 'waiting',
  pauseMs,
  failures,
  lifts: false,
  error: { code: 'test', found: 'It failed' },
})

describe.each(['embedded', ...(hasPostgres ? ['postgres'] : [])])('requests, claims and runs on %s', backend => {
  const opened = new AsyncDisposableStack()
  let database: Database
  let store: Store
  beforeAll(async () => {
    const location =
      backend === 'embedded'
        ? { dataDir: opened.use(await openDataDir()).path }
        : { databaseUrl: opened.use(await createDatabase()).url }
    database = opened.use(await openDatabase(location, captureLog().log))
    store = database.store
  })
  afterAll(() => opened.disposeAsync())

  const newLine = (account = `account-${randomUUID()}`) => ({ account, job: 'sync-things' })
  const request = (line: { account: string; job: string }, more: Partial<NewRequest> = {}): NewRequest => ({
    ...line,
    payload: {},
    trigger: 'http',
    caller: 'somebody',
    ...more,
  })
  const accept = async (wanted: NewRequest) => (await acceptRequest(store, wanted)).accepted

  /** One pulse of a process, which is alive for six seconds from then on. */
  async function pulse(processId: string, runs: readonly string[] = [], since: Date | null = null) {
    const { rows } = await sql<{ kind: string; account: string; job: string; run_id: string; due_at: Date }>`
      select * from worker.pulse(${processId}, 'test', 1, 6, ${runs}::uuid[], ${since}::timestamptz, 100, 100)`.execute(
      store,
    )
    return rows
  }
  async function newProcess(): Promise<string> {
    const id = randomUUID()
    await pulse(id)
    return id
  }
  async function kill(processId: string): Promise<void> {
    await sql`update worker.processes set expires_at = now() - interval '1 second' where id = ${processId}`.execute(
      store,
    )
  }
  async function serves(processId: string, line: { account: string; job: string }): Promise<void> {
    await sql`insert into worker.served_lines values (${processId}, ${line.account}, ${line.job}, false)`.execute(store)
  }
  const tryClaim = (
    line: { account: string; job: string },
    processId: string,
    more: { slots?: number; requestId?: string } = {},
  ) => claimRun(store, { line, runId: randomUUID(), processId, slots: 4, ...more })
  async function claim(line: { account: string; job: string }, processId: string): Promise<ClaimedRun> {
    const claimed = await tryClaim(line, processId)
    return typeof claimed === 'string' ? expect.fail(`nothing was claimed: ${claimed}`) : claimed
  }
  const stateOf = async (id: string) => {
    const row = await store.selectFrom('worker.requests').selectAll().where('id', '=', id).executeTakeFirst()
    return row && { state: row.state, successor: row.superseded_by, failures: row.failures, ready: row.due_at === null }
  }
  const makeReady = (id: string) => sql`update worker.requests set due_at = null where id = ${id}`.execute(store)

  describe('accepting', () => {
    test('an equal request that waits absorbs another, whatever the order of its fields', async () => {
      const line = newLine()
      const first = await accept(request(line, { payload: { a: 1, b: { c: [1, 2], d: null } } }))
      const second = await accept(request(line, { payload: { b: { d: null, c: [1, 2] }, a: 1 } }))
      expect(second).toEqual({ id: first.id, absorbed: true })
      expect((await accept(request(line, { payload: { a: 2 } }))).absorbed).toBe(false)
      expect((await accept(request(newLine(), { payload: { a: 1 } }))).absorbed).toBe(false)
    })

    test('absorbing stops at the claim: what is asked for during a run becomes exactly one more', async () => {
      const line = newLine()
      const processId = await newProcess()
      const first = await accept(request(line))
      await claim(line, processId)
      const second = await accept(request(line))
      const third = await accept(request(line))
      expect(second).toMatchObject({ absorbed: false })
      expect(third).toEqual({ id: second.id, absorbed: true })
      expect(second.id).not.toBe(first.id)
    })

    test('a more urgent one moves its line forward and shortens the back-off; an equal one does not', async () => {
      const line = newLine()
      const processId = await newProcess()
      const { id } = await accept(request(line, { priority: 'low' }))
      const run = await claim(line, processId)
      await endRun(store, run.lease.runId, again())
      await accept(request(line))
      expect(await stateOf(id)).toMatchObject({ state: 'waiting', ready: false })
      const other = await accept(request(line, { payload: { other: true } }))
      await accept(request(line, { priority: 'high' }))
      expect(await stateOf(id)).toMatchObject({ ready: true, failures: 1 })
      expect((await claim(line, processId)).requestId).toBe(id)
      expect(await stateOf(other.id)).toMatchObject({ state: 'waiting' })
    })

    test('a key makes one request for its caller, and another payload under it is a conflict', async () => {
      const line = newLine()
      const keyed = (payload: object, caller = 'one') =>
        acceptRequest(store, request(line, { payload, caller, idempotencyKey: 'k' }))
      const all = await Promise.all(Array.from({ length: 6 }, (_, n) => keyed({ n: n % 2 })))
      const winners = all.filter(answer => !answer.conflict)
      expect(new Set(winners.map(answer => answer.accepted.id)).size).toBe(1)
      expect(winners).toHaveLength(3)
      expect((await keyed({ n: 7 }, 'two')).conflict).toBe(false)
      const rows = await store.selectFrom('worker.requests').select('id').where('account', '=', line.account).execute()
      expect(rows).toHaveLength(2)
    })

    test('a key stands for the request that absorbed it, and is gone with it', async () => {
      const line = newLine()
      const first = await accept(request(line))
      const keyed = await accept(request(line, { idempotencyKey: 'k' }))
      expect(keyed).toEqual({ id: first.id, absorbed: true })
      await store.deleteFrom('worker.requests').where('id', '=', first.id).execute()
      expect((await accept(request(line, { idempotencyKey: 'k' }))).absorbed).toBe(false)
    })

    test.runIf(backend === 'postgres')(
      'one that somebody makes in an open transaction is not absorbed by a run that begins before',
      async () => {
        const line = newLine()
        const processId = await newProcess()
        const waiting = await accept(request(line))
        const later = await store.transaction().execute(async tx => {
          await sql`select id from worker.request(${line.job}, ${line.account}) as id`.execute(tx)
          // The waiting one is locked by this transaction until its commit.
          expect(await tryClaim(line, processId)).toBe('empty')
          return waiting.id
        })
        expect((await claim(line, processId)).requestId).toBe(later)
      },
    )

    test('by SQL: the caller is the database user, and a wrong priority is refused', async () => {
      const line = newLine()
      const { rows } = await sql<{ id: string }>`
        select worker.request(job => ${line.job}, account => ${line.account}, payload => '{"x": 1}', idempotency_key => 'k') as id`.execute(
        store,
      )
      const row = await store
        .selectFrom('worker.requests')
        .selectAll()
        .where('id', '=', rows[0]?.id ?? '')
        .executeTakeFirstOrThrow()
      expect(row).toMatchObject({ trigger: 'sql', payload: { x: 1 }, caller: expect.stringMatching(/^sql:./) })
      await expect(sql`select worker.request('j', 'a', '{}', 'urgent')`.execute(store)).rejects.toThrow(
        /none of high, normal, low/,
      )
    })

    test('a payload that Postgres can not store is refused in a sentence', async () => {
      await expect(accept(request(newLine(), { payload: { text: 'a\u0000b' } }))).rejects.toThrow(/NUL/)
      await expect(accept(request(newLine(), { payload: { text: '\ud800' } }))).rejects.toThrow(/surrogate/)
    })
  })

  describe('claiming', () => {
    test('of many that claim a line at once, one gets it', async () => {
      const line = newLine()
      const processes = [await newProcess(), await newProcess()]
      await accept(request(line))
      await accept(request(line, { payload: { n: 2 } }))
      const claims = await Promise.all(Array.from({ length: 10 }, (_, n) => tryClaim(line, processes[n % 2] ?? '')))
      expect(claims.filter(claimed => typeof claimed !== 'string')).toHaveLength(1)
      expect(new Set(claims.filter(claimed => typeof claimed === 'string'))).toEqual(new Set(['busy']))
    })

    test('by rank and then in their order; a process that is not alive gets nothing', async () => {
      const line = newLine()
      const processId = await newProcess()
      const ids: string[] = []
      for (const priority of ['low', 'normal', 'normal', 'high'] as const) {
        ids.push((await accept(request(line, { priority, payload: { n: ids.length } }))).id)
      }
      const order: string[] = []
      for (let n = 0; n < 4; n++) {
        const run = await claim(line, processId)
        order.push(run.requestId)
        await endRun(store, run.lease.runId, done)
      }
      expect(order).toEqual([ids[3], ids[1], ids[2], ids[0]])
      expect(await tryClaim(line, processId)).toBe('empty')
      expect(await tryClaim(line, randomUUID())).toBe('unknown-process')
    })

    test('an account has no more runs than slots, over all processes, and each ends by freeing its slot', async () => {
      const account = `account-${randomUUID()}`
      const processes = [await newProcess(), await newProcess()]
      const lines = Array.from({ length: 6 }, (_, n) => ({ account, job: `job-${n}` }))
      for (const line of lines) await accept(request(line))
      const claims = await Promise.all(lines.map((line, n) => tryClaim(line, processes[n % 2] ?? '', { slots: 2 })))
      const runs = claims.filter(claimed => typeof claimed !== 'string')
      expect(runs).toHaveLength(2)
      const [first] = runs
      const wake = await endRun(store, first?.lease.runId ?? '', done)
      expect(wake).toHaveLength(1)
      const woken = wake?.[0] ?? expect.fail()
      expect(typeof (await tryClaim(woken, processes[0] ?? '', { slots: 2 }))).toBe('object')
      expect(
        await tryClaim(lines.find(line => line.job !== woken.job) ?? woken, processes[0] ?? '', { slots: 2 }),
      ).toMatch(/busy|full|empty/)
    })

    test('a foreground run comes first, is taken by its process alone, and waits for the run that is active', async () => {
      const line = newLine()
      const [mine, other] = [await newProcess(), await newProcess()]
      await accept(request(line))
      const active = await claim(line, other)
      const requestId = await reserveRequest(store, { ...line, payload: {}, trigger: 'cli', processId: mine })
      await accept(request(line))
      expect(await tryClaim(line, mine, { requestId })).toBe('busy')
      await endRun(store, active.lease.runId, done)
      expect(await tryClaim(line, other)).toBe('reserved')
      expect(await tryClaim(line, mine, { requestId })).toMatchObject({ requestId })
    })

    test('a foreground run ends with its process, and lets the line go on', async () => {
      const line = newLine()
      const [gone, other] = [await newProcess(), await newProcess()]
      const requestId = await reserveRequest(store, { ...line, payload: {}, trigger: 'cli', processId: gone })
      const { id } = await accept(request(line))
      await kill(gone)
      await pulse(other)
      expect(await stateOf(requestId)).toMatchObject({ state: 'failed' })
      expect((await claim(line, other)).requestId).toBe(id)
    })
  })

  describe('ending', () => {
    test('is the same when it is asked again, and writes nothing for a run that was superseded', async () => {
      const line = newLine()
      const [first, second] = [await newProcess(), await newProcess()]
      const { id } = await accept(request(line))
      const old = await claim(line, first)
      await kill(first)
      await pulse(second)
      const young = await claim(line, second)
      expect(young.requestId).toBe(id)
      expect(await endRun(store, old.lease.runId, done)).toBeUndefined()
      expect(await stateOf(id)).toMatchObject({ state: 'running' })
      expect(await endRun(store, young.lease.runId, done)).toBeDefined()
      expect(await endRun(store, young.lease.runId, done)).toEqual([])
      const runs = await store
        .selectFrom('worker.runs')
        .select('state')
        .where('request_id', '=', id)
        .orderBy('seq')
        .execute()
      expect(runs.map(run => run.state)).toEqual(['interrupted', 'succeeded'])
    })

    test('a run that was superseded commits nothing, and a statement of the one that holds the line does', async () => {
      const line = newLine()
      const [first, second] = [await newProcess(), await newProcess()]
      await accept(request(line))
      const old = await claim(line, first)
      await kill(first)
      await pulse(second)
      const young = await claim(line, second)
      const insert = (name: string, held = sql<boolean>`true`) =>
        sql`insert into worker.change_counters (mirror, last) select ${name}, 1 where ${held}`
      const name = randomUUID()
      await expect(fencedTransaction(store, old.lease, tx => insert(name).execute(tx))).rejects.toThrow(LeaseLostError)
      await expect(fencedStatement(store, old.lease, held => insert(name, held as never))).rejects.toThrow(
        LeaseLostError,
      )
      expect(await fencedStatement(store, young.lease, held => insert(name, held as never))).toBe(1)
    })

    test('waiting again while an equal one waits: that one takes over rank, back-off and failures', async () => {
      const line = newLine()
      const processId = await newProcess()
      const first = await accept(request(line, { idempotencyKey: 'k' }))
      const run = await claim(line, processId)
      const second = await accept(request(line))
      await endRun(store, run.lease.runId, again(3))
      expect(await stateOf(first.id)).toMatchObject({ state: 'superseded', successor: second.id })
      expect(await stateOf(second.id)).toMatchObject({ state: 'waiting', failures: 3, ready: false })
      await makeReady(second.id)
      expect((await claim(line, processId)).failures).toBe(3)
    })

    test('a hold keeps the line from being claimed until its probe is due, which one claim takes', async () => {
      const line = newLine()
      const processId = await newProcess()
      await accept(request(line))
      const run = await claim(line, processId)
      const hold = {
        code: 'hasura',
        found: 'It is away',
        scope: 'account',
        metBy: 'gate',
        probed: false,
        pauseMs: 0,
        weight: 1,
      } as const
      await endRun(store, run.lease.runId, { ...again(0, 0), hold })
      expect(await tryClaim(line, processId)).toBe('held')
      await sql`update worker.holds set probe_at = now() where account = ${line.account}`.execute(store)
      const other = { ...line, job: 'another-job' }
      await accept(request(other))
      const probing = await tryClaim(line, processId)
      expect(probing).toMatchObject({ probed: true })
      expect(await tryClaim(other, processId)).toBe('held')
      await endRun(store, (probing as ClaimedRun).lease.runId, done)
      expect(await tryClaim(other, processId)).toMatchObject({ probed: false })
    })

    test('a pause that the API asked for is lifted by nobody', async () => {
      const line = newLine()
      const other = { ...line, job: 'another-job' }
      const processId = await newProcess()
      await accept(request(line))
      await accept(request(other))
      const told = await claim(line, processId)
      const fine = await claim(other, processId)
      const hold = {
        code: 'rate-limited',
        found: 'Wait',
        scope: 'account',
        metBy: 'run',
        probed: false,
        pauseMs: 60_000,
        weight: 0,
      } as const
      await endRun(store, told.lease.runId, { ...again(0, 0), hold })
      await endRun(store, fine.lease.runId, done)
      await accept(request(line, { priority: 'high' }))
      expect(await tryClaim(line, processId)).toBe('held')
    })
  })

  describe('a bootstrap', () => {
    test('asks for its steps one after the other and is done with the last, also after a kill between', async () => {
      const account = `account-${randomUUID()}`
      await sql`insert into worker.accounts (name, issuer, subject, endpoint) values (${account}, 'i', 's', 'e')`.execute(
        store,
      )
      const line = { account, job: 'bootstrap-account' }
      const processId = await newProcess()
      const bootstrap = await accept(request(line))
      const run = await claim(line, processId)
      await endRun(store, run.lease.runId, { ...done, request: 'waiting', steps: ['one', 'two'] })
      expect(await stateOf(bootstrap.id)).toMatchObject({ state: 'waiting', ready: false })
      for (const job of ['one', 'two']) {
        const killed = await newProcess()
        await claim({ account, job }, killed)
        await kill(killed)
        await pulse(processId)
        const step = await claim({ account, job }, processId)
        await endRun(store, step.lease.runId, done)
      }
      expect(await stateOf(bootstrap.id)).toMatchObject({ state: 'done' })
      const row = await store
        .selectFrom('worker.accounts')
        .select('bootstrapped_at')
        .where('name', '=', account)
        .executeTakeFirst()
      expect(row?.bootstrapped_at).toBeInstanceOf(Date)
    })

    test('fails with the step that fails, and with one that is cancelled', async () => {
      const account = `account-${randomUUID()}`
      const processId = await newProcess()
      for (const [payload, end] of [
        [{ n: 1 }, 'fail'],
        [{ n: 2 }, 'cancel'],
      ] as const) {
        const line = { account, job: 'bootstrap-account' }
        const { id } = await accept(request(line, { payload }))
        const run = await claim(line, processId)
        await endRun(store, run.lease.runId, { ...done, request: 'waiting', steps: ['one'] })
        if (end === 'fail') {
          const step = await claim({ account, job: 'one' }, processId)
          await endRun(store, step.lease.runId, { ...again(), request: 'failed' })
        } else {
          const step = await store
            .selectFrom('worker.requests')
            .select('id')
            .where('bootstrap_id', '=', id)
            .executeTakeFirstOrThrow()
          expect(await cancelRequest(store, step.id)).toBe('cancelled')
        }
        expect(await stateOf(id)).toMatchObject({ state: 'failed' })
      }
    })
  })

  describe('what would keep others waiting', () => {
    const readyLines = async (processId: string, limit = 100) => {
      const { rows } = await sql<{ account: string; job: string }>`
        select account, job from worker.ready_lines(${processId}, ${limit})`.execute(store)
      return rows
    }

    test('an account with no free slot is passed over, and its lines take no place in a look', async () => {
      const processId = await newProcess()
      const full = `account-${randomUUID()}`
      const lines = Array.from({ length: 8 }, (_, n) => ({ account: full, job: `job-${n}` }))
      for (const line of lines) {
        await serves(processId, line)
        await accept(request(line))
      }
      const other = newLine()
      await serves(processId, other)
      await accept(request(other))
      expect((await readyLines(processId)).filter(line => line.account === full)).toHaveLength(4)
      for (const line of await readyLines(processId)) if (line.account === full) await claim(line, processId)
      expect(await readyLines(processId, 1)).toEqual([other])
    })

    test('a foreground run that another process has reserved is that one’s to look for', async () => {
      const [mine, other] = [await newProcess(), await newProcess()]
      const line = newLine()
      await serves(other, line)
      await reserveRequest(store, { ...line, payload: {}, trigger: 'cli', processId: mine })
      await accept(request(line))
      expect(await readyLines(other)).toEqual([])
    })

    test.runIf(backend === 'postgres')(
      'somebody’s open transaction delays its own request, and no other tick or dead run',
      async () => {
        const [looking, dead] = [await newProcess(), await newProcess()]
        const [locked, free] = [newLine(), newLine()]
        for (const line of [locked, free]) {
          await sql`insert into worker.schedules (account, job, rule, next_run_at)
          values (${line.account}, ${line.job}, 'every 60 s', '2026-01-01')`.execute(store)
        }
        const stuck = newLine()
        await accept(request(stuck))
        const run = await claim(stuck, dead)
        await store.transaction().execute(async tx => {
          await sql`select worker.request(${locked.job}, ${locked.account})`.execute(tx)
          await sql`select worker.request(${stuck.job}, ${stuck.account})`.execute(tx)
          await kill(dead)
          const at = [new Date('2026-01-01'), new Date('2026-01-01')]
          const later = [new Date('2027-01-01'), new Date('2027-01-01')]
          await sql`select * from worker.tick(${[locked.account, free.account]}::text[], ${[locked.job, free.job]}::text[],
          ${at}::timestamptz[], ${later}::timestamptz[], ${[0, 0]}::integer[], ${[0, 0]}::integer[], ${[true, true]}::boolean[])`.execute(
            store,
          )
          await pulse(looking)
          const made = await store
            .selectFrom('worker.requests')
            .select('account')
            .where('account', 'in', [locked.account, free.account])
            .execute()
          expect(made.map(row => row.account)).toEqual([free.account])
        })
        await pulse(looking)
        const [superseded] = await store
          .selectFrom('worker.requests')
          .select('state')
          .where('id', '=', run.requestId)
          .execute()
        expect(superseded?.state).toBe('superseded')
      },
    )

    test('words that no text of Postgres can hold, and pauses without an end, are recorded all the same', async () => {
      const processId = await newProcess()
      const ids: string[] = []
      for (const ending of [
        { ...again(), error: { code: 'x', found: 'a\u0000b\ud800', remedy: '\udc00' } },
        { ...again(1, Number.POSITIVE_INFINITY) },
        { ...again(1, Number.NaN), from: '\u0000', to: '\ud800' },
      ]) {
        const line = newLine()
        const { id } = await accept(request(line))
        const run = await claim(line, processId)
        expect(await endRun(store, run.lease.runId, ending)).toBeDefined()
        ids.push(id)
      }
      expect(await Promise.all(ids.map(stateOf))).toMatchObject([{ ready: false }, { ready: false }, { ready: true }])
    })

    test('a foreground run whose request was cancelled is told, and doesn’t wait for ever', async () => {
      const processId = await newProcess()
      const line = newLine()
      const requestId = await reserveRequest(store, { ...line, payload: {}, trigger: 'cli', processId })
      await cancelRequest(store, requestId)
      expect(await tryClaim(line, processId, { requestId })).toBe('gone')
    })

    test('a run that ends with its process again and again pauses, and fails in the end; one that comes further does not', async () => {
      const looking = await newProcess()
      const endWithProcess = async (line: { account: string; job: string }, comesFurther: boolean) => {
        const dead = await newProcess()
        const run = await claim(line, dead)
        if (comesFurther) {
          await sql`insert into worker.run_progress values (${run.lease.runId}, '{}')`.execute(store)
        }
        await kill(dead)
        await pulse(looking)
        return run.requestId
      }
      const crashing = newLine()
      const { id } = await accept(request(crashing))
      for (let times = 1; times <= 10; times += 1) {
        await endWithProcess(crashing, false)
        expect(await stateOf(id)).toMatchObject({
          state: times < 10 ? 'waiting' : 'failed',
          ...(times < 10 && { ready: times < 3 }),
        })
        await makeReady(id)
      }
      const row = await store
        .selectFrom('worker.requests')
        .select('error_remedy')
        .where('id', '=', id)
        .executeTakeFirst()
      expect(row?.error_remedy).toContain('blocks the event loop')
      const coming = newLine()
      const further = await accept(request(coming))
      for (let times = 1; times <= 12; times += 1) await endWithProcess(coming, true)
      expect(await stateOf(further.id)).toMatchObject({ state: 'waiting', ready: true, failures: 0 })
    })

    test('a pause of the API’s is over with it: all lines go on at once', async () => {
      const processId = await newProcess()
      const line = newLine()
      const other = { ...line, job: 'another-job' }
      await accept(request(line))
      await accept(request(other))
      const run = await claim(line, processId)
      const hold = {
        code: 'rate-limited',
        found: 'Wait',
        scope: 'account',
        metBy: 'run',
        probed: false,
        pauseMs: 60_000,
        weight: 0,
      } as const
      await endRun(store, run.lease.runId, { ...again(0, 0), hold })
      await sql`update worker.holds set probe_at = now(), asked_until = now() where account = ${line.account}`.execute(
        store,
      )
      await claim(line, processId)
      await claim(other, processId)
    })
  })

  describe('the pulse', () => {
    test('puts back a claim whose answer was lost, and none that was made after the pulse before', async () => {
      const line = newLine()
      const processId = await newProcess()
      const { id } = await accept(request(line))
      await claim(line, processId)
      const before = new Date(Date.now() - 3_600_000)
      await pulse(processId, [], before)
      expect(await stateOf(id)).toMatchObject({ state: 'running' })
      await pulse(processId, [], new Date(Date.now() + 3_600_000))
      expect(await stateOf(id)).toMatchObject({ state: 'waiting', failures: 0 })
    })

    test('tells of lines with work that it serves, of runs that were lost and of those that somebody cancels', async () => {
      const line = newLine()
      const [mine, other] = [await newProcess(), await newProcess()]
      await serves(mine, line)
      const { id } = await accept(request(line))
      const wakes = (rows: Awaited<ReturnType<typeof pulse>>) =>
        rows.filter(row => row.kind === 'wake').map(row => row.account)
      expect(wakes(await pulse(mine))).toContain(line.account)
      expect(wakes(await pulse(other))).not.toContain(line.account)
      const run = await claim(line, mine)
      expect(wakes(await pulse(mine, [run.lease.runId]))).not.toContain(line.account)
      expect(await cancelRequest(store, id)).toBe('running')
      const told = await pulse(mine, [run.lease.runId])
      expect(told).toContainEqual(expect.objectContaining({ kind: 'cancel', run_id: run.lease.runId }))
      await kill(mine)
      await pulse(other)
      expect(await pulse(mine, [run.lease.runId])).toContainEqual(
        expect.objectContaining({ kind: 'lost', run_id: run.lease.runId }),
      )
      // Cancelled while its process was dead: it doesn't run again.
      expect(await stateOf(id)).toMatchObject({ state: 'cancelled' })
    })

    test('one that stood still and whom nobody has missed keeps its runs', async () => {
      const line = newLine()
      const processId = await newProcess()
      await accept(request(line))
      const run = await claim(line, processId)
      await kill(processId)
      const rows = await pulse(processId, [run.lease.runId])
      expect(rows.map(row => row.kind)).toContain('registered')
      expect(rows.map(row => row.kind)).not.toContain('lost')
      expect(await endRun(store, run.lease.runId, done)).toBeDefined()
    })

    test('makes ready what is due', async () => {
      const line = newLine()
      const processId = await newProcess()
      const { id } = await accept(request(line))
      const run = await claim(line, processId)
      await endRun(store, run.lease.runId, again(1, 1))
      await sql`update worker.requests set due_at = now() - interval '1 second' where id = ${id}`.execute(store)
      expect(await tryClaim(line, processId)).toBe('empty')
      await pulse(processId)
      expect(await stateOf(id)).toMatchObject({ ready: true, failures: 1 })
    })
  })
})
