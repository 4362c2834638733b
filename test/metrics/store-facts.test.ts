import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readStoreFacts, type StoreFactName, type TellApart } from '../../src/metrics/read-store-facts.ts'
import { endRun } from '../../src/runs/end-run.ts'
import { again, done, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

/** Requests, holds and lines as they are at one moment. */
async function fill({ store, newProcess, serves }: Lines): Promise<void> {
  const process = await newProcess()
  await sql`update worker.processes set expires_at = 'infinity'`.execute(store)
  for (const line of [
    { account: 'north', job: 'a' },
    { account: 'north', job: 'b' },
    { account: 'south', job: 'a' },
  ]) {
    await serves(process, line)
  }
  const ask = (account: string, job: string, count: number) =>
    sql`select worker.request(${job}, ${account}, jsonb_build_object('n', n)) from generate_series(1, ${count}::integer) n`.execute(
      store,
    )
  await ask('north', 'a', 3)
  await ask('south', 'a', 2)
  await ask('north', 'b', 1)
  await ask('north', 'x', 4)
  await ask('ghost', 'a', 5)
  await sql`update worker.requests set due_at = now() + interval '1 hour' where account = 'south' and payload = '{"n": 1}'`.execute(
    store,
  )
  await sql`update worker.requests set due_at = 'infinity' where account = 'ghost' and payload = '{"n": 1}'`.execute(
    store,
  )
  await sql`update worker.requests set requested_at = now() - interval '100 seconds' where account = 'south' and payload = '{"n": 2}'`.execute(
    store,
  )
  await sql`update worker.requests set requested_at = now() - interval '9 hours', failures = 3 where account = 'north' and job = 'a' and payload = '{"n": 2}'`.execute(
    store,
  )
  await sql`insert into worker.accounts (name, issuer, subject, endpoint, created_at)
    values ('north', '', '', '', now() - interval '5000 seconds'), ('south', '', '', '', now() - interval '700 seconds')`.execute(
    store,
  )
  await sql`insert into worker.leases (account, job, fence, taken_at, succeeded_at)
    values ('north', 'a', 1, now() - interval '30 seconds', now() - interval '60 seconds')`.execute(store)
  await sql`insert into worker.holds (account, job, met_by, code, found, since, probe_at) values
    ('north', 'b', 'gate', 'job-roles', 'found', now() - interval '40 seconds', now()),
    ('ghost', '', 'gate', 'claims', 'found', now() - interval '90 seconds', now())`.execute(store)
  await sql`insert into worker.webhooks (account, webhook, address, state) values
    ('north', 'b', '', 'parked'), ('south', 'a', '', 'live'), ('ghost', 'a', '', 'ended')`.execute(store)
  await sql`insert into worker.schedules (account, job, rule, next_run_at, last_run_at, paused) values
    ('north', 'a', '', now() + interval '200 seconds', now() - interval '100 seconds', false),
    ('south', 'a', '', now() + interval '1 day', now(), true)`.execute(store)
}

describe.each(stores)('the store on %s', backend => {
  let lines: Lines
  beforeAll(async () => {
    lines = await openLines(backend)
  })
  afterAll(() => lines[Symbol.asyncDispose]())

  /** Ages are told in whole minutes, and those below one as they are. */
  const tell = async (apart: TellApart) => {
    const facts = await readStoreFacts(lines.store, apart)
    return facts
      .map(({ name, job, account, kind, value }) => [name, job, account, kind, Math.floor(value / 60) * 60 || value])
      .toSorted()
  }

  test('knows when a line last succeeded: not by a failed or a dry run, and also where the next run takes over', async () => {
    const { store } = lines
    const line = newLine()
    const process = await lines.newProcess()
    const successAt = async () => {
      const { rows } = await sql<{ at: Date | null }>`
        select succeeded_at as at from worker.leases where account = ${line.account}`.execute(store)
      return rows[0]?.at
    }
    const runOnce = async (how: typeof done, trigger: 'cli' | 'dry-run' = 'cli', next?: string) => {
      const { id } = await lines.accept(request(line, { payload: { id: randomUUID() } }))
      await sql`update worker.requests set trigger = ${trigger} where id = ${id}`.execute(store)
      const { lease } = await lines.claim(line, process)
      const { id: after } = await lines.accept(request(line, { payload: { id: randomUUID() } }))
      const ended = await endRun(store, lease.runId, how, next === undefined ? undefined : { id: next, yields: false })
      if (ended?.next) await endRun(store, ended.next.lease.runId, { ...again(), request: 'failed' })
      await sql`delete from worker.requests where id in (${id}, ${after})`.execute(store)
      return ended?.next !== undefined
    }
    await runOnce({ ...again(), request: 'failed' })
    await runOnce(done, 'dry-run')
    expect(await successAt()).toBeNull()
    await runOnce(done)
    const first = await successAt()
    expect(first).toEqual(expect.any(Date))
    expect(await runOnce(done, 'cli', randomUUID())).toBe(true)
    expect(Number(await successAt())).toBeGreaterThan(Number(first))
  })

  test('a long run is no wait of the requests behind it, which no other worker could start', async () => {
    await using own = await openLines(backend)
    const line = newLine()
    const process = await own.newProcess()
    await sql`update worker.processes set expires_at = 'infinity'`.execute(own.store)
    await own.serves(process, line)
    await own.accept(request(line, { payload: { n: 1 } }))
    await own.claim(line, process)
    const { id } = await own.accept(request(line, { payload: { n: 2 } }))
    let isRunning = true
    const waitedFor = async (ago: string) => {
      await sql`update worker.leases set taken_at = now() - interval '3 hours'`.execute(own.store)
      await sql`update worker.requests set requested_at = now() - ${ago}::interval where id = ${id}`.execute(own.store)
      const facts = await readStoreFacts(own.store, { jobs: [line.job], accounts: undefined })
      const hoursOf = (fact: StoreFactName) =>
        facts.filter(({ name }) => name === fact).map(({ value }) => Math.round(value / 3_600))
      expect(hoursOf('oldest-run')).toEqual(isRunning ? [3] : [])
      return hoursOf('oldest-request')
    }
    expect(await waitedFor('2 hours')).toEqual([])
    // One that earlier runs have kept waiting.
    expect(await waitedFor('4 hours')).toEqual([1])
    await sql`update worker.leases set run_id = null, process = null, slot = null`.execute(own.store)
    isRunning = false
    expect(await waitedFor('2 hours')).toEqual([2])
  })

  test('tells what waits, runs and is held, by job', async () => {
    await fill(lines)
    expect(await tell({ jobs: ['a', 'b'], accounts: undefined })).toEqual([
      ['holds', 'b', '', 'job-roles', 1],
      ['last-success', 'a', '', '', 660],
      ['last-success', 'b', '', '', 4980],
      ['oldest-hold', 'b', '', 'job-roles', expect.any(Number)],
      ['oldest-request', 'a', '', '', 60],
      ['requests', 'a', '', 'later', 1],
      ['requests', 'a', '', 'ready', 4],
      ['requests', 'a', '', 'unserved', 4],
      ['requests', 'b', '', 'held', 1],
      ['requests', 'other', '', 'unserved', 4],
      ['schedule-interval', 'a', '', '', 300],
      ['webhooks-stopped', 'b', '', 'parked', 1],
      ['workers', '', '', '', 1],
    ])
  })

  test('tells accounts apart where that is chosen, and no name that nobody configured', async () => {
    const facts = await tell({ jobs: ['a', 'b'], accounts: ['north'] })
    expect(facts.filter(([name]) => name === 'requests' || name === 'last-success')).toEqual([
      ['last-success', 'a', 'north', '', 60],
      ['last-success', 'a', 'other', '', 660],
      ['last-success', 'b', 'north', '', 4980],
      ['requests', 'a', 'north', 'ready', 3],
      ['requests', 'a', 'other', 'later', 1],
      ['requests', 'a', 'other', 'ready', 1],
      ['requests', 'a', 'other', 'unserved', 4],
      ['requests', 'b', 'north', 'held', 1],
      ['requests', 'other', 'north', 'unserved', 4],
    ])
  })
})
