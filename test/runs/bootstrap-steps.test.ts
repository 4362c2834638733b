import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import type { Ending } from '../../src/runs/ending.ts'
import type { LineName } from '../../src/runs/line.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import { again, done, type Lines, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('steps on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  /** Claims the next request of a line and ends its run with these steps. */
  async function waitForSteps(line: LineName, processId: string, steps: readonly string[]): Promise<string> {
    const run = await fixture.claim(line, processId)
    await endRun(fixture.store, run.lease.runId, { ...done, request: 'waiting', steps })
    return run.requestId
  }

  async function end(line: LineName, processId: string, ending: Ending = done): Promise<string> {
    const run = await fixture.claim(line, processId)
    await endRun(fixture.store, run.lease.runId, ending)
    return run.requestId
  }

  async function explain(id: string) {
    return await fixture.store
      .selectFrom('worker.requests')
      .select(['state', 'error_code', 'error_found', 'error_remedy'])
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
  }

  test('asks for its steps one after the other and is done with the last, also after a kill between', async () => {
    const account = `account-${randomUUID()}`
    await sql`insert into worker.accounts (name, issuer, subject, endpoint) values (${account}, 'i', 's', 'e')`.execute(
      fixture.store,
    )
    const line = { account, job: 'bootstrap-account' }
    const processId = await fixture.newProcess()
    const bootstrap = await fixture.accept(request(line))
    const run = await fixture.claim(line, processId)
    await endRun(fixture.store, run.lease.runId, { ...done, request: 'waiting', steps: ['one', 'two'] })
    expect(await fixture.stateOf(bootstrap.id)).toMatchObject({ state: 'waiting', ready: false })
    for (const job of ['one', 'two']) {
      const killed = await fixture.newProcess()
      await fixture.claim({ account, job }, killed)
      await fixture.kill(killed)
      await fixture.pulse(processId)
      const step = await fixture.claim({ account, job }, processId)
      await endRun(fixture.store, step.lease.runId, done)
    }
    expect(await fixture.stateOf(bootstrap.id)).toMatchObject({ state: 'done' })
    const row = await fixture.store
      .selectFrom('worker.accounts')
      .select('bootstrapped_at')
      .where('name', '=', account)
      .executeTakeFirst()
    expect(row?.bootstrapped_at).toBeInstanceOf(Date)
  })

  test('has no time at which to look again while it waits for a step', async () => {
    const line = { account: `account-${randomUUID()}`, job: 'bootstrap-account' }
    const processId = await fixture.newProcess()
    await fixture.accept(request(line))
    const run = await fixture.claim(line, processId)
    await endRun(fixture.store, run.lease.runId, { ...done, request: 'waiting', steps: ['one'] })
    const now = (await fixture.pulse(processId)).find(row => row.kind === 'now')
    // `infinity` is no Date, and the process couldn't go on from it.
    expect(now?.next_at ?? new Date()).toBeInstanceOf(Date)
  })

  test('fails with the step that fails, and with one that is cancelled', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    for (const [payload, end] of [
      [{ n: 1 }, 'fail'],
      [{ n: 2 }, 'cancel'],
    ] as const) {
      const line = { account, job: 'bootstrap-account' }
      const { id } = await fixture.accept(request(line, { payload }))
      const run = await fixture.claim(line, processId)
      await endRun(fixture.store, run.lease.runId, { ...done, request: 'waiting', steps: ['one'] })
      if (end === 'fail') {
        const step = await fixture.claim({ account, job: 'one' }, processId)
        await endRun(fixture.store, step.lease.runId, { ...again(), request: 'failed' })
      } else {
        const step = await fixture.store
          .selectFrom('worker.requests')
          .select('id')
          .where('bootstrap_id', '=', id)
          .executeTakeFirstOrThrow()
        expect(await cancelRequest(fixture.store, step.id)).toBe('cancelled')
      }
      expect(await fixture.stateOf(id)).toMatchObject({ state: 'failed' })
    }
  })

  test('are done for each of two requests that wait for the same one', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    const line = { account, job: 'rebuild' }
    for (const n of [1, 2]) await fixture.accept(request(line, { payload: { n } }))
    const first = await waitForSteps(line, processId, ['one', 'two'])
    const second = await waitForSteps(line, processId, ['one'])
    for (const job of ['one', 'one', 'two']) await end({ account, job }, processId)
    expect(await fixture.stateOf(first)).toMatchObject({ state: 'done' })
    expect(await fixture.stateOf(second)).toMatchObject({ state: 'done' })
  })

  test('are not taken over by an equal request that waits when one has to run again', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    const line = { account, job: 'rebuild' }
    await fixture.accept(request(line))
    const waiting = await waitForSteps(line, processId, ['one'])
    const step = await fixture.claim({ account, job: 'one' }, processId)
    const equal = await fixture.accept(request({ account, job: 'one' }))
    await endRun(fixture.store, step.lease.runId, again(1, 0))
    expect(await fixture.stateOf(step.requestId)).toMatchObject({ state: 'waiting' })
    expect(equal).toMatchObject({ absorbed: false })
    for (let runs = 1; runs <= 2; runs += 1) await end({ account, job: 'one' }, processId)
    expect(await fixture.stateOf(waiting)).toMatchObject({ state: 'done' })
  })

  test('may have steps themselves, whose end they pass on', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    for (const last of [done, { ...again(), request: 'failed' }] as const) {
      const outer = await fixture.accept(request({ account, job: 'outer' }))
      await waitForSteps({ account, job: 'outer' }, processId, ['inner', 'after'])
      const inner = await waitForSteps({ account, job: 'inner' }, processId, ['one'])
      await end({ account, job: 'one' }, processId, last)
      if (last === done) {
        expect(await fixture.stateOf(inner)).toMatchObject({ state: 'done' })
        await end({ account, job: 'after' }, processId)
        expect(await fixture.stateOf(outer.id)).toMatchObject({ state: 'done' })
      } else {
        expect(await explain(inner)).toMatchObject({ state: 'failed' })
        expect(await explain(outer.id)).toEqual({
          state: 'failed',
          error_code: 'bootstrap-step',
          error_found: `outer of "${account}" stopped at inner: inner of "${account}" stopped at one: It failed`,
          error_remedy: `run "npm run -s cli -- retry ${outer.id}"`,
        })
      }
    }
  })

  test.each([
    ['itself', ['outer'], 'outer'],
    ['a request above', ['inner'], 'inner'],
  ] as const)('fail a request that waits for %s', async (_, steps, failing) => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    const outer = await fixture.accept(request({ account, job: 'outer' }))
    const waiting = await waitForSteps({ account, job: 'outer' }, processId, steps)
    const inner = failing === 'inner' ? await waitForSteps({ account, job: 'inner' }, processId, ['outer']) : waiting
    expect(await explain(inner)).toEqual({
      state: 'failed',
      error_code: 'steps',
      error_found: `${failing} of "${account}" has step outer, which waits for it`,
      error_remedy: `remove it from the steps that the job returns; then run "npm run -s cli -- retry ${inner}"`,
    })
    expect(await fixture.stateOf(outer.id)).toMatchObject({ state: 'failed' })
    expect(await fixture.tryClaim({ account, job: 'outer' }, processId)).toBe('empty')
  })

  test('of another job don’t complete the account', async () => {
    const account = `account-${randomUUID()}`
    await sql`insert into worker.accounts (name, issuer, subject, endpoint) values (${account}, 'i', 's', 'e')`.execute(
      fixture.store,
    )
    const processId = await fixture.newProcess()
    await fixture.accept(request({ account, job: 'nightly' }))
    await waitForSteps({ account, job: 'nightly' }, processId, ['one'])
    await end({ account, job: 'one' }, processId)
    const row = await fixture.store
      .selectFrom('worker.accounts')
      .select('bootstrapped_at')
      .where('name', '=', account)
      .executeTakeFirst()
    expect(row).toEqual({ bootstrapped_at: null })
  })
})
