import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import type { HoldRecord } from '../../src/holds/hold-after.ts'
import type { ClaimedRun } from '../../src/runs/claim-run.ts'
import { endRun, type NextRun } from '../../src/runs/end-run.ts'
import type { Ending } from '../../src/runs/ending.ts'
import { fencedStatement, fencedTransaction } from '../../src/runs/lease.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { again, done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('ending a run on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('is the same when it is asked again, and writes nothing for a run that was superseded', async () => {
    const line = newLine()
    const [first, second] = [await fixture.newProcess(), await fixture.newProcess()]
    const { id } = await fixture.accept(request(line))
    const old = await fixture.claim(line, first)
    await fixture.kill(first)
    await fixture.pulse(second)
    const young = await fixture.claim(line, second)
    expect(young.requestId).toBe(id)
    expect(await endRun(fixture.store, old.lease.runId, done)).toBeUndefined()
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'running' })
    expect(await endRun(fixture.store, young.lease.runId, done)).toBeDefined()
    expect(await endRun(fixture.store, young.lease.runId, done)).toEqual({ wake: [], lifted: [], next: undefined })
    const runs = await fixture.store
      .selectFrom('worker.runs')
      .select('state')
      .where('request_id', '=', id)
      .orderBy('seq')
      .execute()
    expect(runs.map(run => run.state)).toEqual(['interrupted', 'succeeded'])
  })

  test('the next run of the line takes over lease and slot in the same exchange, where there is one', async () => {
    const line = newLine()
    const other = { account: line.account, job: 'sync-others' }
    const processId = await fixture.newProcess()
    await fixture.accept(request(line))
    const first = await fixture.claim(line, processId)
    const second = await fixture.accept(request(line, { payload: { n: 2 } }))
    await fixture.accept(request(other))
    await fixture.serves(processId, other)
    const nextId = randomUUID()
    const ended = await endRun(fixture.store, first.lease.runId, done, own(nextId))
    expect(ended).toEqual({
      wake: [],
      lifted: [],
      next: expect.objectContaining({ lease: { ...line, runId: nextId }, requestId: second.id, payload: { n: 2 } }),
    })
    expect(await fixture.stateOf(second.id)).toMatchObject({ state: 'running' })
    expect(await fixture.tryClaim(line, processId)).toBe('busy')
    expect(await fixture.tryClaim(other, processId, { slots: 1 })).toBe('full')
    // The answer was lost: asked again it begins nothing.
    expect(await endRun(fixture.store, first.lease.runId, done, own(randomUUID()))).toEqual({
      wake: [],
      lifted: [],
      next: undefined,
    })
    const last = await endRun(fixture.store, nextId, done, own(randomUUID()))
    expect(last).toEqual({ wake: [expect.objectContaining(other)], lifted: [], next: undefined })
    expect(typeof (await fixture.tryClaim(other, processId, { slots: 1 }))).toBe('object')
  })

  test('no run takes over under a hold, nor for a process that is taken for dead', async () => {
    const processId = await fixture.newProcess()
    const hold: HoldRecord = {
      code: 'hasura',
      found: 'It is away',
      scope: 'account',
      metBy: 'run',
      probed: false,
      pauseMs: 0,
      weight: 1,
    }
    const endings: [Ending, () => Promise<void>][] = [
      [{ ...again(0, 0), hold }, async () => {}],
      [done, () => fixture.kill(processId)],
    ]
    for (const [ending, prepare] of endings) {
      const line = newLine()
      await fixture.accept(request(line))
      const run = await fixture.claim(line, processId)
      const next = await fixture.accept(request(line, { payload: { n: 2 } }))
      await prepare()
      expect(await endRun(fixture.store, run.lease.runId, ending, own(randomUUID()))).toMatchObject({ next: undefined })
      expect(await fixture.stateOf(next.id)).toMatchObject({ state: 'waiting' })
    }
  })

  test('the next run of a line goes first, or yields to another line of the account that waits', async () => {
    const line = newLine()
    const other = { ...line, job: 'sync-others' }
    const processId = await fixture.newProcess()
    await fixture.serves(processId, other)
    for (const n of [1, 2, 3, 4]) await fixture.accept(request(line, { payload: { n } }))
    const run = await fixture.claim(line, processId)
    const [alone, beside, yielding] = [randomUUID(), randomUUID(), randomUUID()]

    expect((await endRun(fixture.store, run.lease.runId, done, { id: alone, yields: true }))?.next).toBeDefined()
    await fixture.accept(request(other))
    expect((await endRun(fixture.store, alone, done, own(beside)))?.next).toBeDefined()
    const ended = await endRun(fixture.store, beside, done, { id: yielding, yields: true })
    expect(ended).toMatchObject({ next: undefined, wake: [other] })
  })

  test('a run that was superseded commits nothing, and a statement of the one that holds the line does', async () => {
    const line = newLine()
    const [first, second] = [await fixture.newProcess(), await fixture.newProcess()]
    await fixture.accept(request(line))
    const old = await fixture.claim(line, first)
    await fixture.kill(first)
    await fixture.pulse(second)
    const young = await fixture.claim(line, second)
    const insert = (name: string, held = sql<boolean>`true`) =>
      sql`insert into worker.change_counters (mirror, last) select ${name}, 1 where ${held}`
    const name = randomUUID()
    await expect(fencedTransaction(fixture.store, old.lease, tx => insert(name).execute(tx))).rejects.toThrow(
      LeaseLostError,
    )
    await expect(fencedStatement(fixture.store, old.lease, held => insert(name, held))).rejects.toThrow(LeaseLostError)
    expect(await fencedStatement(fixture.store, young.lease, held => insert(name, held))).toEqual({
      rows: [],
      count: 1,
    })
  })

  test.skipIf(place === 'embedded')('nobody takes over the line of a run that is writing', async () => {
    const line = newLine()
    const [first, second] = [await fixture.newProcess(), await fixture.newProcess()]
    await fixture.accept(request(line))
    const run = await fixture.claim(line, first)
    const claimed = await fencedTransaction(fixture.store, run.lease, async () => {
      await fixture.kill(first)
      await fixture.pulse(second)
      return fixture.tryClaim(line, second)
    })
    expect(claimed).toBe('locked')
    await fixture.pulse(second)
    expect(await fixture.claim(line, second)).toMatchObject({ requestId: run.requestId })
  })

  test('a wake-up after a claim has a higher fence than the one that led to it', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    await fixture.serves(processId, line)
    const { wake } = await acceptRequest(fixture.store, request(line))
    const run = await fixture.claim(line, processId)
    await fixture.accept(request(line, { payload: { n: 2 } }))
    const ended = await endRun(fixture.store, run.lease.runId, done)
    expect([wake, ended?.wake]).toEqual([[{ ...line, fence: '0' }], [{ ...line, fence: '1' }]])
  })

  test('in a store that was restored a run commits nothing and ends only as interrupted', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const { id } = await fixture.accept(request(line))
    const { lease } = await fixture.claim(line, processId)
    await expect(fencedTransaction(fixture.store, lease, async () => 'written')).resolves.toBe('written')
    // The same row, written again, is what a dump brings.
    await sql`update worker.leases set fence = fence where account = ${line.account}`.execute(fixture.store)
    await expect(fencedTransaction(fixture.store, lease, async () => 'written')).rejects.toThrow(LeaseLostError)
    expect(await fixture.pulse(processId, [lease.runId])).toContainEqual(
      expect.objectContaining({ kind: 'lost', run_id: lease.runId }),
    )
    for (const ending of [done, again(), { ...done, request: 'waiting' } as const]) {
      expect(await endRun(fixture.store, lease.runId, ending)).toBeUndefined()
    }
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'running' })
    expect(await endRun(fixture.store, lease.runId, { ...again(0, 0), run: 'interrupted' })).toBeDefined()
    expect(await fixture.claim(line, processId)).toMatchObject({ requestId: id })
  })

  test('waiting again while an equal one waits: that one takes over rank, back-off and failures', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const first = await fixture.accept(request(line, { idempotencyKey: 'k' }))
    const run = await fixture.claim(line, processId)
    const second = await fixture.accept(request(line))
    await endRun(fixture.store, run.lease.runId, again(3))
    expect(await fixture.stateOf(first.id)).toMatchObject({ state: 'superseded', successor: second.id })
    expect(await fixture.stateOf(second.id)).toMatchObject({ state: 'waiting', failures: 3, ready: false })
    await fixture.makeReady(second.id)
    expect((await fixture.claim(line, processId)).failures).toBe(3)
  })

  test('wakes a line of the account that nobody has claimed yet, but none that no living process serves', async () => {
    const line = newLine()
    const [other, unknown, lost] = ['other-job', 'a-job-of-nobody', 'a-job-of-the-dead'].map(job => ({ ...line, job }))
    if (!other || !unknown || !lost) throw new Error('there are three')
    const [processId, dead] = [await fixture.newProcess(), await fixture.newProcess()]
    await fixture.serves(dead, lost)
    await fixture.kill(dead)
    for (const wanted of [line, unknown, lost, other]) await fixture.accept(request(wanted))
    await fixture.serves(processId, other)
    const run = await fixture.claim(line, processId)
    const ended = await endRun(fixture.store, run.lease.runId, done)
    expect(ended?.wake).toEqual([expect.objectContaining(other)])
  })

  test('a hold keeps the line from being claimed until its probe is due, which one claim takes', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    await fixture.accept(request(line))
    const run = await fixture.claim(line, processId)
    const hold = {
      code: 'hasura',
      found: 'It is away',
      scope: 'account',
      metBy: 'gate',
      probed: false,
      pauseMs: 0,
      weight: 1,
    } as const
    await endRun(fixture.store, run.lease.runId, { ...again(0, 0), hold })
    expect(await fixture.tryClaim(line, processId)).toBe('held')
    await sql`update worker.holds set probe_at = now() where account = ${line.account}`.execute(fixture.store)
    const other = { ...line, job: 'another-job' }
    await fixture.accept(request(other))
    const probing = await fixture.tryClaim(line, processId)
    expect(probing).toMatchObject({ probed: true })
    expect(await fixture.tryClaim(other, processId)).toBe('held')
    await endRun(fixture.store, (probing as ClaimedRun).lease.runId, done)
    expect(await fixture.tryClaim(other, processId)).toMatchObject({ probed: false })
  })

  test('a pause that the API asked for is lifted by nobody', async () => {
    const line = newLine()
    const other = { ...line, job: 'another-job' }
    const processId = await fixture.newProcess()
    await fixture.accept(request(line))
    await fixture.accept(request(other))
    const told = await fixture.claim(line, processId)
    const fine = await fixture.claim(other, processId)
    const hold = {
      code: 'rate-limited',
      found: 'Wait',
      scope: 'account',
      metBy: 'run',
      probed: false,
      pauseMs: 60_000,
      weight: 0,
    } as const
    await endRun(fixture.store, told.lease.runId, { ...again(0, 0), hold })
    await endRun(fixture.store, fine.lease.runId, done)
    await fixture.accept(request(line, { priority: 'high' }))
    expect(await fixture.tryClaim(line, processId)).toBe('held')
  })
})

function own(id: string): NextRun {
  return { id, yields: false }
}
