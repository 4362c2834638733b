import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import type { Store } from '../../src/store/store.ts'
import { again, done, type Lines, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('the steps of a bootstrap on %s', place => {
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
  const claim: Lines['claim'] = (...given) => lines.claim(...given)
  const stateOf: Lines['stateOf'] = (...given) => lines.stateOf(...given)

  test('asks for its steps one after the other and is done with the last, also after a kill between', async () => {
    const account = `account-${randomUUID()}`
    await sql`insert into worker.accounts (name, issuer, subject, endpoint) values (${account}, 'i', 's', 'e')`.execute(
      store,
    )
    const line = { account, job: 'bootstrap-account' }
    const processId = await newProcess()
    const bootstrap = await accept(request(line))
    const run = await claim(line, processId)
    await endRun(store, run.lease.runId, { ...done, request: 'waiting', steps: ['one', 'two'] })
    expect(await stateOf(bootstrap.id)).toMatchObject({ state: 'waiting', ready: false })
    for (const job of ['one', 'two']) {
      const killed = await newProcess()
      await claim({ account, job }, killed)
      await kill(killed)
      await pulse(processId)
      const step = await claim({ account, job }, processId)
      await endRun(store, step.lease.runId, done)
    }
    expect(await stateOf(bootstrap.id)).toMatchObject({ state: 'done' })
    const row = await store
      .selectFrom('worker.accounts')
      .select('bootstrapped_at')
      .where('name', '=', account)
      .executeTakeFirst()
    expect(row?.bootstrapped_at).toBeInstanceOf(Date)
  })

  test('has no time at which to look again while it waits for a step', async () => {
    const line = { account: `account-${randomUUID()}`, job: 'bootstrap-account' }
    const processId = await newProcess()
    await accept(request(line))
    const run = await claim(line, processId)
    await endRun(store, run.lease.runId, { ...done, request: 'waiting', steps: ['one'] })
    const now = (await pulse(processId)).find(row => row.kind === 'now')
    // `infinity` is no Date, and the process couldn't go on from it.
    expect(now?.next_at ?? new Date()).toBeInstanceOf(Date)
  })

  test('fails with the step that fails, and with one that is cancelled', async () => {
    const account = `account-${randomUUID()}`
    const processId = await newProcess()
    for (const [payload, end] of [
      [{ n: 1 }, 'fail'],
      [{ n: 2 }, 'cancel'],
    ] as const) {
      const line = { account, job: 'bootstrap-account' }
      const { id } = await accept(request(line, { payload }))
      const run = await claim(line, processId)
      await endRun(store, run.lease.runId, { ...done, request: 'waiting', steps: ['one'] })
      if (end === 'fail') {
        const step = await claim({ account, job: 'one' }, processId)
        await endRun(store, step.lease.runId, { ...again(), request: 'failed' })
      } else {
        const step = await store
          .selectFrom('worker.requests')
          .select('id')
          .where('bootstrap_id', '=', id)
          .executeTakeFirstOrThrow()
        expect(await cancelRequest(store, step.id)).toBe('cancelled')
      }
      expect(await stateOf(id)).toMatchObject({ state: 'failed' })
    }
  })
})
