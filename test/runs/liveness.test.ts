import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { cancelRequest, reserveRequest } from '../../src/runs/requests.ts'
import type { Store } from '../../src/store/store.ts'
import { again, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('what would keep others waiting on %s', backend => {
  let lines: Lines
  let store: Store
  beforeAll(async () => {
    lines = await openLines(backend)
    store = lines.store
  })
  afterAll(() => lines[Symbol.asyncDispose]())

  const accept: Lines['accept'] = (...given) => lines.accept(...given)
  const pulse: Lines['pulse'] = (...given) => lines.pulse(...given)
  const newProcess: Lines['newProcess'] = (...given) => lines.newProcess(...given)
  const kill: Lines['kill'] = (...given) => lines.kill(...given)
  const serves: Lines['serves'] = (...given) => lines.serves(...given)
  const tryClaim: Lines['tryClaim'] = (...given) => lines.tryClaim(...given)
  const claim: Lines['claim'] = (...given) => lines.claim(...given)
  const stateOf: Lines['stateOf'] = (...given) => lines.stateOf(...given)
  const makeReady: Lines['makeReady'] = (...given) => lines.makeReady(...given)

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
    const row = await store.selectFrom('worker.requests').select('error_remedy').where('id', '=', id).executeTakeFirst()
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
