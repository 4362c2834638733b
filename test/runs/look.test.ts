import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import type { Store } from '../../src/store/store.ts'
import { again, done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('a look at what there is to do on %s', place => {
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
  const serves: Lines['serves'] = (...given) => lines.serves(...given)
  const tryClaim: Lines['tryClaim'] = (...given) => lines.tryClaim(...given)
  const claim: Lines['claim'] = (...given) => lines.claim(...given)
  const stateOf: Lines['stateOf'] = (...given) => lines.stateOf(...given)

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
