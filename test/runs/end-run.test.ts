import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import type { ClaimedRun } from '../../src/runs/claim-run.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { fencedStatement, fencedTransaction } from '../../src/runs/lease.ts'
import type { Store } from '../../src/store/store.ts'
import { again, done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('ending a run on %s', place => {
  let lines: Lines
  let store: Store
  beforeAll(async () => {
    lines = await openLines(place)
    store = lines.store
  })
  afterAll(() => lines[Symbol.asyncDispose]())

  const accept: Lines['accept'] = (...given) => lines.accept(...given)
  const pulse: Lines['pulse'] = (...given) => lines.pulse(...given)
  const newProcess: Lines['newProcess'] = (...given) => lines.newProcess(...given)
  const kill: Lines['kill'] = (...given) => lines.kill(...given)
  const tryClaim: Lines['tryClaim'] = (...given) => lines.tryClaim(...given)
  const claim: Lines['claim'] = (...given) => lines.claim(...given)
  const stateOf: Lines['stateOf'] = (...given) => lines.stateOf(...given)
  const makeReady: Lines['makeReady'] = (...given) => lines.makeReady(...given)

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
    await expect(fencedStatement(store, old.lease, held => insert(name, held as never))).rejects.toThrow(LeaseLostError)
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
