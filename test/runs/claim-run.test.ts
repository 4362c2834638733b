import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { reserveRequest } from '../../src/runs/requests.ts'
import type { Store } from '../../src/store/store.ts'
import { done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('claiming a line on %s', place => {
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
