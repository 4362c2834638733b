import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { again, done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

/** Headers of the trace with this number. */
const trace = (n: number) => ({ traceparent: `00-${String(n).padStart(32, '0')}-${'a'.repeat(16)}-01` })

describe.each(stores)('the trace of a request on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('is that of who made it, and what it absorbs is remembered beside it, up to a limit', async () => {
    const line = newLine()
    await fixture.accept(request(line, { trace: trace(1) }))
    for (let n = 2; n < 30; n++) await fixture.accept(request(line, { trace: trace(n) }))
    const { kept, absorbed } = await fixture.claim(line, await fixture.newProcess())
    expect(kept).toEqual(trace(1))
    expect(absorbed).toEqual(Array.from({ length: 16 }, (_, index) => trace(index + 2)))
  })

  test('is none where its maker had none, also when it absorbs one that has', async () => {
    const line = newLine()
    await fixture.accept(request(line))
    await fixture.accept(request(line, { trace: trace(1) }))
    await fixture.accept(request(line))
    expect(await fixture.claim(line, await fixture.newProcess())).toMatchObject({
      kept: null,
      absorbed: [trace(1)],
    })
  })

  test('stays with it over its attempts, is told by the end that begins the next run, and is remembered by its successor', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const first = await fixture.accept(request(line, { trace: trace(1) }))
    const run = await fixture.claim(line, processId)
    await fixture.accept(request(line, { payload: { n: 2 }, trace: trace(2) }))
    const { next = expect.fail() } =
      (await endRun(fixture.store, run.lease.runId, again(), { id: randomUUID(), yields: false })) ?? {}
    expect(next.kept).toEqual(trace(2))
    await endRun(fixture.store, next.lease.runId, done)
    await fixture.makeReady(first.id)
    const retried = await fixture.claim(line, processId)
    expect(retried).toMatchObject({ requestId: first.id, kept: trace(1) })
    await fixture.accept(request(line, { trace: trace(3) }))
    await endRun(fixture.store, retried.lease.runId, again())
    const successor = await fixture.store
      .selectFrom('worker.requests')
      .select(['trace', 'absorbed_traces'])
      .where('account', '=', line.account)
      .where('state', '=', 'waiting')
      .executeTakeFirst()
    expect(successor).toEqual({ trace: trace(3), absorbed_traces: [trace(1)] })
  })

  test('is that of the bootstrap for each of its steps', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    await fixture.accept(request({ account, job: 'bootstrap-account' }, { trace: trace(1) }))
    const bootstrap = await fixture.claim({ account, job: 'bootstrap-account' }, processId)
    await endRun(fixture.store, bootstrap.lease.runId, { ...done, request: 'waiting', steps: ['one', 'two'] })
    for (const job of ['one', 'two']) {
      const step = await fixture.claim({ account, job }, processId)
      expect(step.kept).toEqual(trace(1))
      await endRun(fixture.store, step.lease.runId, done)
    }
  })

  test.each([
    ['that of the transaction', trace(7).traceparent, trace(7)],
    ['none for what is no traceparent', 'canary', null],
    ['none for ids of zeros', `00-${'0'.repeat(32)}-${'a'.repeat(16)}-01`, null],
    ['none when nothing is set', '', null],
  ])('by SQL is %s', async (_, traceparent, kept) => {
    const line = newLine()
    await fixture.store.transaction().execute(async tx => {
      await sql`select set_config('worker.traceparent', ${traceparent}, true)`.execute(tx)
      await sql`select worker.request(${line.job}, ${line.account}, '{}')`.execute(tx)
    })
    expect((await fixture.claim(line, await fixture.newProcess())).kept).toEqual(kept)
  })
})
