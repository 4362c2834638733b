import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import { startLooking } from '../../src/serving/look.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { again, done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'
import { createUnreachableStore } from '../fixtures/unreachable-store.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

describe.each(stores)('a look at what there is to do on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('puts back a claim whose answer was lost, and none that was made after the pulse before', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const { id } = await fixture.accept(request(line))
    await fixture.claim(line, processId)
    const before = new Date(Date.now() - 3_600_000)
    await fixture.pulse(processId, [], before)
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'running' })
    await fixture.pulse(processId, [], new Date(Date.now() + 3_600_000))
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'waiting', failures: 0 })
  })

  test('tells of lines with work that it serves, of runs that were lost and of those that somebody cancels', async () => {
    const line = newLine()
    const [mine, other] = [await fixture.newProcess(), await fixture.newProcess()]
    await fixture.serves(mine, line)
    const { id } = await fixture.accept(request(line))
    const wakes = (rows: Awaited<ReturnType<typeof fixture.pulse>>) =>
      rows.filter(row => row.kind === 'wake').map(row => row.account)
    expect(wakes(await fixture.pulse(mine))).toContain(line.account)
    expect(wakes(await fixture.pulse(other))).not.toContain(line.account)
    const run = await fixture.claim(line, mine)
    expect(wakes(await fixture.pulse(mine, [run.lease.runId]))).not.toContain(line.account)
    expect(await cancelRequest(fixture.store, id)).toBe('running')
    const told = await fixture.pulse(mine, [run.lease.runId])
    expect(told).toContainEqual(expect.objectContaining({ kind: 'cancel', run_id: run.lease.runId }))
    await fixture.kill(mine)
    await fixture.pulse(other)
    expect(await fixture.pulse(mine, [run.lease.runId])).toContainEqual(
      expect.objectContaining({ kind: 'lost', run_id: run.lease.runId }),
    )
    // Cancelled while its process was dead: it doesn't run again.
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'cancelled' })
  })

  test('one that stood still and whom nobody has missed keeps its runs', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    await fixture.accept(request(line))
    const run = await fixture.claim(line, processId)
    await fixture.kill(processId)
    const rows = await fixture.pulse(processId, [run.lease.runId])
    expect(rows.map(row => row.kind)).not.toContain('lost')
    expect(await endRun(fixture.store, run.lease.runId, done)).toBeDefined()
  })

  test('makes ready what is due', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const { id } = await fixture.accept(request(line))
    const run = await fixture.claim(line, processId)
    await endRun(fixture.store, run.lease.runId, again(1, 1))
    await sql`update worker.requests set due_at = now() - interval '1 second' where id = ${id}`.execute(fixture.store)
    expect(await fixture.tryClaim(line, processId)).toBe('empty')
    await fixture.pulse(processId)
    expect(await fixture.stateOf(id)).toMatchObject({ ready: true, failures: 1 })
  })
})

const nobody = {
  process: { id: crypto.randomUUID(), runIds: () => [] },
  observer: { requestAccepted() {}, during: <T>(_step: unknown, work: () => T) => work() },
  wake() {},
  async tick() {},
  async renew() {},
}

test('a store that is out of reach is logged once a minute, not at each look', async () => {
  const clock = new ManualClock()
  const { log, lines } = captureLog()
  await using _looks = startLooking({ store: createUnreachableStore(), clock, log, ...nobody })
  await clock.advance(150_000)
  expect(lines.map(line => line.level)).toEqual(['warn', 'warn', 'warn'])
})

test.runIf(hasPostgres).each([
  ['alter schema worker rename to former', 'store', /has no such table, function or schema \(3F000: .* restoring it/],
  ['set role pg_monitor', 'store', /refused a privilege \(42501: permission denied for schema worker\): grant it/],
  // A defect of the worker, or a store that somebody changed: where it was met tells more.
  [
    'alter table worker.processes rename expires_at to former',
    '42703',
    /column is missing .* \(at src\/serving\/look\.ts/,
  ],
])('a store after "%s" is logged with what to do', async (statement, code, message) => {
  await using created = await createDatabase()
  await using database = await openDatabase({ databaseUrl: created.url }, captureLog().log)
  const { log, lines } = captureLog()
  await sql.raw(statement).execute(database.store)
  await using _looks = startLooking({ store: database.store, clock: new ManualClock(), log, ...nobody })
  await expect.poll(() => lines).toMatchObject([{ error: { code, message: expect.stringMatching(message) } }])
})
