import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Observer } from '../../src/observer/observer.ts'
import type { TraceHeaders } from '../../src/observer/trace-headers.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { type Looking, startLooking } from '../../src/serving/look.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

type Accepted = Parameters<Observer['requestAccepted']>

/** Headers of the trace with this number. */
const trace = (n: number): TraceHeaders => ({ traceparent: `00-${String(n).padStart(32, '0')}-${'a'.repeat(16)}-01` })

describe.each(stores)('an observer on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  /** A process that looks for work; what its observer is told of goes to `told`. */
  async function lookInto(told: Accepted[]): Promise<Looking> {
    const id = await fixture.newProcess()
    const observer: Pick<Observer, 'requestAccepted' | 'during'> = {
      requestAccepted: (...facts) => told.push(facts),
      during: (_step, work) => work(),
    }
    const { store } = fixture
    const process = { id, runIds: () => [] }
    return startLooking({
      ...{ store, process, observer, clock: systemClock, log: captureLog().log },
      wake() {},
      async tick() {},
      async renew() {},
    })
  }

  const askBySql = (line: { account: string; job: string }, payload: object, traceparent = '') =>
    fixture.store.transaction().execute(async tx => {
      await sql`select set_config('worker.traceparent', ${traceparent}, true)`.execute(tx)
      const { rows } = await sql<{ id: string }>`
        select worker.request(${line.job}, ${line.account}, ${JSON.stringify(payload)}::jsonb) as id`.execute(tx)
      return rows[0]?.id ?? expect.fail('no request')
    })

  test('is told once of each request made by SQL, however many processes look, and of none that was rolled back', async () => {
    const told: Accepted[] = []
    await using opened = new AsyncDisposableStack()
    const looks = [opened.use(await lookInto(told)), opened.use(await lookInto(told))]
    const line = newLine()
    const ids: string[] = []
    for (let n = 0; n < 40; n += 1) {
      ids.push(await askBySql(line, { n }))
      for (const { look } of looks) look()
    }
    const rolledBack = fixture.store.transaction().execute(async tx => {
      await sql`select worker.request(${line.job}, ${line.account}, '{"n": "never"}')`.execute(tx)
      throw new Error('the caller changes its mind')
    })
    await expect(rolledBack).rejects.toThrow('changes its mind')
    const idsOf = () => told.map(([, { request: id }]) => id).toSorted()
    await expect.poll(idsOf).toEqual(ids.toSorted())
    expect(told[0]).toEqual([line, expect.objectContaining({ trigger: 'sql', absorbed: false })])
    await opened.disposeAsync()
    expect(idsOf()).toEqual(ids.toSorted())
    const { rows } = await sql`select from worker.unreported_requests where account = ${line.account}`.execute(
      fixture.store,
    )
    expect(rows).toEqual([])
  })

  test('is told of the trace of one made by SQL, and which request absorbed it', async () => {
    const told: Accepted[] = []
    const line = newLine()
    const { id } = await fixture.accept(request(line, { trace: trace(1) }))
    expect(await askBySql(line, {}, trace(2).traceparent)).toBe(id)
    await using _looking = await lookInto(told)
    await expect
      .poll(() => told)
      .toEqual([
        [
          line,
          {
            ...{ request: id, trigger: 'sql', absorbed: true },
            ...{ trace: trace(2).traceparent.slice(3, 35), absorber: trace(1) },
          },
        ],
      ])
  })

  test('is told once of each step of a bootstrap', async () => {
    const told: Accepted[] = []
    await using _looking = await lookInto(told)
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    await fixture.accept(request({ account, job: 'bootstrap-account' }))
    const bootstrap = await fixture.claim({ account, job: 'bootstrap-account' }, processId)
    await endRun(fixture.store, bootstrap.lease.runId, { ...done, request: 'waiting', steps: ['one', 'two'] })
    for (const job of ['one', 'two']) {
      const step = await fixture.claim({ account, job }, processId)
      const expected = [
        { account, job },
        { request: step.requestId, trigger: 'bootstrap', absorbed: false },
      ]
      await expect.poll(() => told.at(-1)).toEqual(expected)
      await endRun(fixture.store, step.lease.runId, done)
    }
    expect(told).toHaveLength(2)
  })

  test('is told of all that were made while nobody looked, and a version that cannot tell leaves them to one that can', async () => {
    const told: Accepted[] = []
    const line = newLine()
    const count = 40
    await sql`select worker.request(${line.job}, ${line.account}, jsonb_build_object('n', n)) from generate_series(1, ${count}::int) n`.execute(
      fixture.store,
    )
    expect((await fixture.pulse(await fixture.newProcess())).map(row => row.kind)).not.toContain('accepted')
    await using _looking = await lookInto(told)
    await expect.poll(() => new Set(told.map(([, how]) => how.request)).size).toBe(count)
    expect(told).toHaveLength(count)
  })
})
