import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { reserveRequest } from '../../src/runs/requests.ts'
import { done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('claiming a line on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('of many that claim a line concurrently, one gets it', async () => {
    const line = newLine()
    const processes = [await fixture.newProcess(), await fixture.newProcess()]
    await fixture.accept(request(line))
    await fixture.accept(request(line, { payload: { n: 2 } }))
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, n) => fixture.tryClaim(line, processes[n % 2] ?? '')),
    )
    expect(claims.filter(claimed => typeof claimed !== 'string')).toHaveLength(1)
    for (const other of claims.filter(claimed => typeof claimed === 'string'))
      expect(['busy', 'locked']).toContain(other)
  })

  test('by rank and then in their order; a process that is not alive gets nothing', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const ids: string[] = []
    for (const priority of ['low', 'normal', 'normal', 'high'] as const) {
      ids.push((await fixture.accept(request(line, { priority, payload: { n: ids.length } }))).id)
    }
    expect(await fixture.tryClaim(line, randomUUID())).toBe('unknown-process')
    const order: string[] = []
    for (let n = 0; n < 4; n++) {
      const run = await fixture.claim(line, processId)
      order.push(run.requestId)
      await endRun(fixture.store, run.lease.runId, done)
    }
    expect(order).toEqual([ids[3], ids[1], ids[2], ids[0]])
    expect(await fixture.tryClaim(line, processId)).toBe('empty')
  })

  test('an account has no more runs than slots, over all processes, and each ends by freeing its slot', async () => {
    const account = `account-${randomUUID()}`
    const processes = [await fixture.newProcess(), await fixture.newProcess()]
    const lines = Array.from({ length: 6 }, (_, n) => ({ account, job: `job-${n}` }))
    for (const line of lines) {
      await fixture.accept(request(line))
      await fixture.serves(processes[0] ?? '', line)
    }
    const claims = await Promise.all(
      lines.map((line, n) => fixture.tryClaim(line, processes[n % 2] ?? '', { slots: 2 })),
    )
    const runs = claims.filter(claimed => typeof claimed !== 'string')
    expect(runs).toHaveLength(2)
    const [first] = runs
    const ended = await endRun(fixture.store, first?.lease.runId ?? '', done)
    expect(ended?.wake).toHaveLength(1)
    const woken = ended?.wake[0] ?? expect.fail()
    expect(typeof (await fixture.tryClaim(woken, processes[0] ?? '', { slots: 2 }))).toBe('object')
    expect(
      await fixture.tryClaim(lines.find(line => line.job !== woken.job) ?? woken, processes[0] ?? '', { slots: 2 }),
    ).toMatch(/busy|full|empty/)
  })

  test('runs that take other slots are not counted with them, and each ends by waking one that waits for its slot', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    const own = { firstSlot: 1, slots: 1 }
    const others = { firstSlot: 1_001, slots: 2 }
    const lines = { first: own, second: own, third: others, fourth: others }
    const runs: Record<string, string> = {}
    const claimedOf = async (job: string, range: typeof own) => {
      const claimed = await fixture.tryClaim({ account, job }, processId, range)
      if (typeof claimed !== 'string') runs[job] = claimed.lease.runId
      return typeof claimed === 'string' ? claimed : 'run'
    }
    const wokenBy = async (job: string) =>
      (await endRun(fixture.store, runs[job] ?? '', done))?.wake.map(line => line.job)
    const ready = async () =>
      (await fixture.pulse(processId)).filter(row => row.kind === 'wake' && row.account === account).map(row => row.job)
    for (const [job, range] of Object.entries(lines)) {
      await fixture.accept(request({ account, job }))
      await fixture.serves(processId, { account, job }, range)
    }
    expect((await ready()).toSorted()).toEqual(['first', 'fourth', 'third'])
    expect(await claimedOf('first', own)).toBe('run')
    expect(await claimedOf('second', own)).toBe('full')
    expect((await ready()).toSorted()).toEqual(['fourth', 'third'])
    expect(await claimedOf('third', others)).toBe('run')
    expect(await claimedOf('fourth', others)).toBe('run')
    await fixture.accept(request({ account, job: 'third' }))
    expect(await wokenBy('first')).toEqual(['second'])
    expect(await wokenBy('third')).toEqual(['third'])
  })

  test('a foreground run comes first, is claimed only by its process, and waits for the active run', async () => {
    const line = newLine()
    const [mine, other] = [await fixture.newProcess(), await fixture.newProcess()]
    await fixture.accept(request(line))
    const active = await fixture.claim(line, other)
    const requestId = await reserveRequest(fixture.store, { ...line, payload: {}, trigger: 'cli', processId: mine })
    await fixture.accept(request(line))
    expect(await fixture.tryClaim(line, mine, { requestId })).toBe('busy')
    await endRun(fixture.store, active.lease.runId, done)
    expect(await fixture.tryClaim(line, other)).toBe('reserved')
    expect(await fixture.tryClaim(line, mine, { requestId })).toMatchObject({ requestId })
  })

  test('a foreground run ends with its process, and its line continues', async () => {
    const line = newLine()
    const [gone, other] = [await fixture.newProcess(), await fixture.newProcess()]
    const requestId = await reserveRequest(fixture.store, { ...line, payload: {}, trigger: 'cli', processId: gone })
    const { id } = await fixture.accept(request(line))
    await fixture.kill(gone)
    await fixture.pulse(other)
    expect(await fixture.stateOf(requestId)).toMatchObject({ state: 'failed' })
    expect((await fixture.claim(line, other)).requestId).toBe(id)
  })
})
