import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import { again, done, type Lines, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('the steps of a bootstrap on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

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
})
