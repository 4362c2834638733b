import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { endSurely } from '../../src/execution/run-line.ts'
import { tellAll } from '../../src/observer/tell-all.ts'
import { endRun } from '../../src/runs/end-run.ts'
import type { Ending, ErrorRecord } from '../../src/runs/ending.ts'
import { cancelRequest, reserveRequest } from '../../src/runs/requests.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { again, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('what would keep others waiting on %s', backend => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(backend)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  const readyLines = async (processId: string, limit = 100) => {
    const { rows } = await sql<{ account: string; job: string }>`
      select account, job from worker.ready_lines(${processId}, ${limit})`.execute(fixture.store)
    return rows
  }

  test('an account with no free slot is passed over, and its lines take no place in a look', async () => {
    const processId = await fixture.newProcess()
    const full = `account-${randomUUID()}`
    const lines = Array.from({ length: 8 }, (_, n) => ({ account: full, job: `job-${n}` }))
    for (const line of lines) {
      await fixture.serves(processId, line)
      await fixture.accept(request(line))
    }
    const other = newLine()
    await fixture.serves(processId, other)
    await fixture.accept(request(other))
    expect((await readyLines(processId)).filter(line => line.account === full)).toHaveLength(4)
    for (const line of await readyLines(processId)) if (line.account === full) await fixture.claim(line, processId)
    expect(await readyLines(processId, 1)).toEqual([other])
  })

  test.runIf(backend === 'postgres')(
    'lines that somebody’s open transaction has locked take no place from the account’s others',
    async () => {
      const processId = await fixture.newProcess()
      const account = `account-${randomUUID()}`
      const [locked, more, free] = ['locked', 'more', 'free'].map(job => ({ account, job }))
      if (!locked || !more || !free) expect.fail()
      for (const line of [locked, more, free]) {
        await fixture.serves(processId, line)
        await fixture.accept(request(line))
      }
      await sql`update worker.served_lines set slots = 1 where account = ${account}`.execute(fixture.store)
      const found = async () => (await readyLines(processId)).map(({ job }) => job).toSorted()
      expect(await found()).toEqual(['locked'])
      await fixture.store.transaction().execute(async tx => {
        for (const { job } of [locked, more]) await sql`select worker.request(${job}, ${account})`.execute(tx)
        expect(await found()).toEqual(['free', 'locked', 'more'])
      })
      expect(await found()).toEqual(['locked'])
    },
  )

  test.runIf(backend === 'postgres')('lines that are locked come last in a look, whatever their account', async () => {
    const processId = await fixture.newProcess()
    const locked = Array.from({ length: 6 }, (_, n) => ({ account: `account-${randomUUID()}`, job: `job-${n}` }))
    const other = newLine()
    for (const line of [...locked, other]) {
      await fixture.serves(processId, line)
      await fixture.accept(request(line))
    }
    await fixture.store.transaction().execute(async tx => {
      for (const { job, account } of locked) await sql`select worker.request(${job}, ${account})`.execute(tx)
      expect(await readyLines(processId, 1)).toEqual([other])
      expect(await readyLines(processId)).toHaveLength(7)
    })
  })

  test('what a look has just made ready, and so locked itself, takes its place', async () => {
    const processId = await fixture.newProcess()
    const account = `account-${randomUUID()}`
    for (const job of ['a', 'b']) {
      await fixture.serves(processId, { account, job })
      await fixture.accept(request({ account, job }))
    }
    await sql`update worker.served_lines set slots = 1 where account = ${account}`.execute(fixture.store)
    const { rows } = await fixture.store.transaction().execute(async tx => {
      await sql`update worker.requests set due_at = null where id in (
        select id from worker.requests where account = ${account} for update)`.execute(tx)
      return sql<{ job: string }>`select job from worker.ready_lines(${processId}, 100)`.execute(tx)
    })
    expect(rows).toEqual([{ job: 'a' }])
  })

  test('a foreground run that another process has reserved is that one’s to look for', async () => {
    const [mine, other] = [await fixture.newProcess(), await fixture.newProcess()]
    const line = newLine()
    await fixture.serves(other, line)
    await reserveRequest(fixture.store, { ...line, payload: {}, trigger: 'cli', processId: mine })
    await fixture.accept(request(line))
    expect(await readyLines(other)).toEqual([])
  })

  test.runIf(backend === 'postgres')(
    'somebody’s open transaction delays its own request, and no other tick or dead run',
    async () => {
      const [looking, dead] = [await fixture.newProcess(), await fixture.newProcess()]
      const [locked, free] = [newLine(), newLine()]
      for (const line of [locked, free]) {
        await sql`insert into worker.schedules (account, job, rule, next_run_at)
        values (${line.account}, ${line.job}, 'every 60 s', '2026-01-01')`.execute(fixture.store)
      }
      const stuck = newLine()
      await fixture.accept(request(stuck))
      const run = await fixture.claim(stuck, dead)
      await fixture.store.transaction().execute(async tx => {
        await sql`select worker.request(${locked.job}, ${locked.account})`.execute(tx)
        await sql`select worker.request(${stuck.job}, ${stuck.account})`.execute(tx)
        await fixture.kill(dead)
        const at = [new Date('2026-01-01'), new Date('2026-01-01')]
        const later = [new Date('2027-01-01'), new Date('2027-01-01')]
        await sql`select * from worker.tick(${[locked.account, free.account]}::text[], ${[locked.job, free.job]}::text[],
        ${at}::timestamptz[], ${later}::timestamptz[], ${[0, 0]}::integer[], ${[0, 0]}::integer[], ${[true, true]}::boolean[])`.execute(
          fixture.store,
        )
        await fixture.pulse(looking)
        const made = await fixture.store
          .selectFrom('worker.requests')
          .select('account')
          .where('account', 'in', [locked.account, free.account])
          .execute()
        expect(made.map(row => row.account)).toEqual([free.account])
      })
      await fixture.pulse(looking)
      const [superseded] = await fixture.store
        .selectFrom('worker.requests')
        .select('state')
        .where('id', '=', run.requestId)
        .execute()
      expect(superseded?.state).toBe('superseded')
    },
  )

  test('words that no text of Postgres can hold, and pauses without an end, are recorded all the same', async () => {
    const processId = await fixture.newProcess()
    const ids: string[] = []
    for (const ending of [
      { ...again(), error: { code: 'x', found: 'a\u0000b\ud800', remedy: '\udc00' } },
      { ...again(1, Number.POSITIVE_INFINITY) },
      { ...again(1, Number.NaN), from: '\u0000', to: '\ud800' },
    ]) {
      const line = newLine()
      const { id } = await fixture.accept(request(line))
      const run = await fixture.claim(line, processId)
      expect(await endRun(fixture.store, run.lease.runId, ending)).toBeDefined()
      ids.push(id)
    }
    expect(await Promise.all(ids.map(fixture.stateOf))).toMatchObject([
      { ready: false },
      { ready: false },
      { ready: true },
    ])
  })

  test('an end that has no JSON is recorded as a failure, and frees its line', async () => {
    const processId = await fixture.newProcess()
    const line = newLine()
    const { id } = await fixture.accept(request(line))
    const { lease, requestId } = await fixture.claim(line, processId)
    const error = z.custom<ErrorRecord>().parse({ code: 5n, found: 'It failed' })
    const pauses: number[] = []
    const clock = { ...systemClock, sleep: async (ms: number) => void pauses.push(ms) }
    const { log } = captureLog()
    await endSurely(
      { store: fixture.store, clock, log, observer: tellAll([], log) },
      { ...line, run: lease.runId, request: requestId },
      { ...again(), error },
      new AbortController().signal,
    )
    expect(pauses).toHaveLength(1)
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'failed' })
  })

  test('a foreground run whose request was cancelled learns about it, and doesn’t wait forever', async () => {
    const processId = await fixture.newProcess()
    const line = newLine()
    const requestId = await reserveRequest(fixture.store, { ...line, payload: {}, trigger: 'cli', processId })
    await cancelRequest(fixture.store, requestId)
    expect(await fixture.tryClaim(line, processId, { requestId })).toBe('gone')
  })

  test('a run that ends with its process again and again pauses, and fails in the end; one that comes further does not', async () => {
    const looking = await fixture.newProcess()
    const endWithProcess = async (line: { account: string; job: string }, comesFurther: boolean) => {
      const dead = await fixture.newProcess()
      const run = await fixture.claim(line, dead)
      if (comesFurther) {
        await sql`insert into worker.run_progress values (${run.lease.runId}, '{}')`.execute(fixture.store)
      }
      await fixture.kill(dead)
      await fixture.pulse(looking)
      return run.requestId
    }
    const crashing = newLine()
    const { id } = await fixture.accept(request(crashing))
    for (let times = 1; times <= 10; times += 1) {
      await endWithProcess(crashing, false)
      expect(await fixture.stateOf(id)).toMatchObject({
        state: times < 10 ? 'waiting' : 'failed',
        ...(times < 10 && { ready: times < 3 }),
      })
      await fixture.makeReady(id)
    }
    const { rows } = await sql<{ remedy: string }>`
      select error_remedy as remedy from worker.requests where id = ${id} union all
      (select error_remedy from worker.runs where request_id = ${id} order by seq desc limit 1)`.execute(fixture.store)
    const remedy = expect.stringContaining('blocks the event loop')
    expect(rows).toEqual([{ remedy }, { remedy }])
    const coming = newLine()
    const further = await fixture.accept(request(coming))
    for (let times = 1; times <= 12; times += 1) await endWithProcess(coming, true)
    expect(await fixture.stateOf(further.id)).toMatchObject({ state: 'waiting', ready: true, failures: 0 })
  })

  test('so does one whose process did nothing for seconds, also where an equal request waits meanwhile', async () => {
    const processId = await fixture.newProcess()
    const line = newLine()
    const interrupted: Ending = { run: 'interrupted', request: 'waiting', pauseMs: 0, failures: 0, lifts: false }
    const end = async (ending: Ending, isAskedAgain = false) => {
      const run = await fixture.claim(line, processId)
      const equal = isAskedAgain ? await fixture.accept(request(line)) : undefined
      await endRun(fixture.store, run.lease.runId, ending)
      const id = equal?.id ?? run.requestId
      const state = await fixture.stateOf(id)
      await fixture.makeReady(id)
      return state
    }
    await fixture.accept(request(line))
    const paused = { ...interrupted, isInterruption: true }
    expect(await end(paused)).toMatchObject({ ready: true })
    expect(await end(interrupted)).toMatchObject({ ready: true })
    expect(await end(paused, true)).toMatchObject({ ready: true })
    expect(await end(paused, true)).toMatchObject({ state: 'waiting', ready: false })
    // Another end begins a new count.
    await end({ ...interrupted, run: 'succeeded' })
    expect(await end(paused)).toMatchObject({ ready: true })
    for (let times = 2; times < 10; times += 1) expect(await end(paused)).toMatchObject({ state: 'waiting' })
    expect(await end(paused)).toMatchObject({ state: 'failed' })
  })

  test.each(['run', 'request', 'run and request'])(
    'a line becomes free also if somebody deleted its %s',
    async deleted => {
      const looking = await fixture.newProcess()
      for (const isDead of [true, false]) {
        const processId = await fixture.newProcess()
        const line = newLine()
        const { id } = await fixture.accept(request(line))
        const { lease } = await fixture.claim(line, processId)
        const isWaiting = deleted === 'run'
        if (deleted !== 'request') await sql`delete from worker.runs where id = ${lease.runId}`.execute(fixture.store)
        if (!isWaiting) await sql`delete from worker.requests where id = ${id}`.execute(fixture.store)
        if (isDead) await fixture.kill(processId)
        await fixture.pulse(isDead ? looking : processId, [], new Date('2100-01-01'))
        if (!isWaiting) await fixture.accept(request(line))
        const slots = fixture.store.selectFrom('worker.leases').select('slot').where('account', '=', line.account)
        expect(await slots.execute()).toEqual([{ slot: null }])
        await fixture.claim(line, looking)
      }
    },
  )

  test('a pause of the API’s is over with it: all lines go on at once', async () => {
    const processId = await fixture.newProcess()
    const line = newLine()
    const other = { ...line, job: 'another-job' }
    await fixture.accept(request(line))
    await fixture.accept(request(other))
    const run = await fixture.claim(line, processId)
    const hold = {
      code: 'rate-limited',
      found: 'Wait',
      scope: 'account',
      metBy: 'run',
      probed: false,
      pauseMs: 60_000,
      weight: 0,
    } as const
    await endRun(fixture.store, run.lease.runId, { ...again(0, 0), hold })
    await sql`update worker.holds set probe_at = now(), asked_until = now() where account = ${line.account}`.execute(
      fixture.store,
    )
    await fixture.claim(line, processId)
    await fixture.claim(other, processId)
  })
})
