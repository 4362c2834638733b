import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HoldRecord } from '../../src/holds/hold-after.ts'
import type { Ending } from '../../src/runs/ending.ts'
import { again, done, type Lines, openLines, request, stores } from '../fixtures/open-lines.ts'

/** In which order calls of one round trip take effect must not matter to anybody. */
describe.each(stores)('claims and ends of one round trip on %s', place => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(place)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('have the effect of one after the other', async () => {
    const living = await fixture.newProcess()
    await sql`update worker.processes set expires_at = now() + interval '1 hour' where id = ${living}`.execute(
      fixture.store,
    )
    await fc.assert(
      fc.asyncProperty(worlds, async world => {
        const apart = await live(fixture, living, world, oneByOne)
        const together = await live(fixture, living, world, atOnce)
        expect(together).toEqual(apart)
      }),
      { numRuns: 60 },
    )
  })

  test('take no slot twice, and no line', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    const jobs = ['a', 'b', 'c', 'd', 'a']
    for (const job of ['a', 'b', 'c', 'd']) await fixture.accept(request({ account, job }))
    const claims = jobs.map(job => ({ account, job, runId: randomUUID(), processId, firstSlot: 1, slots: 3 }))
    const claimed = await atOnce(fixture, 'claim_lines', claims)
    expect(claimed.map(row => row.verdict).toSorted()).toEqual(['busy', 'full', 'run', 'run', 'run'])
    const { rows } = await sql<{ slot: number }>`
      select slot from worker.leases where account = ${account} and slot is not null order by slot`.execute(
      fixture.store,
    )
    expect(rows.map(row => row.slot)).toEqual([1, 2, 3])
  })

  test('send one claim to look, though the line of another has a hold of its own', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    for (const job of ['a', 'b']) await fixture.accept(request({ account, job }))
    for (const job of ['', 'b']) await placeHold(fixture, account, job, '-1 second')
    const claims = ['a', 'b'].map(job => ({ account, job, runId: randomUUID(), processId, firstSlot: 1, slots: 3 }))
    const claimed = await atOnce(fixture, 'claim_lines', claims)
    expect(claimed.map(({ verdict, probed }) => [verdict, probed])).toEqual([
      ['run', true],
      ['held', false],
    ])
  })

  test('wake what waited for their slots', async () => {
    const account = `account-${randomUUID()}`
    const processId = await fixture.newProcess()
    const runs = ['a', 'b'].map(job => ({ account, job, runId: randomUUID(), processId, firstSlot: 1, slots: 2 }))
    for (const job of ['a', 'b', 'c', 'd']) {
      await fixture.accept(request({ account, job }))
      await fixture.serves(processId, { account, job })
    }
    await atOnce(fixture, 'claim_lines', runs)
    const ended = await atOnce(fixture, 'end_runs', [
      ...runs.map(({ runId }) => ({ runId, ...done })),
      { runId: randomUUID(), ...done },
    ])
    expect(ended.filter(row => row.kind === 'ended').map(row => row.place)).toEqual([0, 1])
    expect(new Set(ended.flatMap(row => (row.kind === 'wake' ? [row.answer] : [])))).toEqual(
      new Set(['c', 'd'].map(job => ({ account, job, fence: '0' }))),
    )
  })
})

type Call = 'claim_lines' | 'end_runs'

interface Row {
  readonly place: number
  readonly verdict?: string
  readonly kind?: string
  readonly probed?: boolean
  readonly run?: object
  readonly answer?: object
}

type Ask = (fixture: Lines, call: Call, asked: readonly object[]) => Promise<readonly Row[]>

const atOnce: Ask = async ({ store }, call, asked) => {
  const calls = JSON.stringify(asked.map((each, place) => ({ place, ...each })))
  const { rows } = await sql<Row>`select * from ${sql.table(`worker.${call}`)}(${calls}::jsonb)`.execute(store)
  return rows
}

const oneByOne: Ask = async (fixture, call, asked) => {
  const all: Row[] = []
  for (const [place, each] of asked.entries()) {
    all.push(...(await atOnce(fixture, call, [each])).map(row => ({ ...row, place })))
  }
  return all
}

const jobs = ['a', 'b', 'c'] as const
const dead = randomUUID()

async function placeHold({ store }: Lines, account: string, job: string, probe: string): Promise<void> {
  await sql`insert into worker.holds (account, job, met_by, code, found, remedy, probes, probe_at)
    values (${account}, ${job}, 'run', 'hasura', 'It is away', null, 0, now() + ${probe}::interval)`.execute(store)
}

const hold: HoldRecord = {
  code: 'hasura',
  found: 'It is away',
  scope: 'job',
  metBy: 'run',
  probed: false,
  pauseMs: 0,
  weight: 1,
}

const endings: readonly Ending[] = [
  done,
  again(),
  again(2, 0),
  { ...again(0, 0), hold },
  { ...again(0, 0), hold: { ...hold, scope: 'account' } },
  { ...done, run: 'failed', request: 'failed', failures: 1, lifts: false, error: { code: 'test', found: 'It failed' } },
]

const held = fc.constantFrom('no', 'no', 'until its probe', 'probe is due')

const worlds = fc.record({
  slots: fc.integer({ min: 1, max: 3 }),
  account: held,
  lines: fc.tuple(
    ...jobs.map(() => fc.record({ requests: fc.integer({ min: 0, max: 3 }), isKnown: fc.boolean(), held })),
  ),
  claims: fc.array(
    fc.record({ job: fc.constantFrom(...jobs), isAlive: fc.integer({ min: 0, max: 5 }).map(n => n > 0) }),
    {
      minLength: 1,
      maxLength: 14,
    },
  ),
  ends: fc.array(fc.record({ ending: fc.constantFrom(...endings), goesOn: fc.boolean(), isCancelled: fc.boolean() }), {
    minLength: 3,
    maxLength: 3,
  }),
})

/** What two accounts with the same past tell and have, without the names that differ. */
async function live(
  fixture: Lines,
  living: string,
  world: typeof worlds extends fc.Arbitrary<infer World> ? World : never,
  ask: Ask,
): Promise<object> {
  const account = `account-${randomUUID()}`
  const { store } = fixture
  const holdLine = async (job: string, is: string) => {
    if (is !== 'no') await placeHold(fixture, account, job, is === 'probe is due' ? '-1 second' : '1 hour')
  }
  await holdLine('', world.account)
  for (const [index, job] of jobs.entries()) {
    const line = world.lines[index] ?? expect.fail()
    for (let n = 1; n <= line.requests; n += 1) await fixture.accept(request({ account, job }, { payload: { n } }))
    if (line.isKnown) {
      await sql`insert into worker.leases (account, job, fence) values (${account}, ${job}, 7)`.execute(store)
    }
    await holdLine(job, line.held)
  }
  const isNew = (job: (typeof jobs)[number]) => (world.lines[jobs.indexOf(job)]?.isKnown ? 0 : 1)
  // Lines that were never claimed come last.
  const inOrder = world.claims.toSorted((one, other) => isNew(one.job) - isNew(other.job))
  const claims = inOrder.map(({ job, isAlive }) => ({
    account,
    job,
    runId: randomUUID(),
    processId: isAlive ? living : dead,
    firstSlot: 1,
    slots: world.slots,
  }))
  const claimed = await ask(fixture, 'claim_lines', claims)
  const begun = claimed.filter(row => row.verdict === 'run').toSorted((one, other) => one.place - other.place)
  // One that goes on before another holds the account would run, and after it would not.
  const mayGoOn = !world.ends.some(({ ending }) => ending.hold?.scope === 'account')
  const ends = begun.map((row, index) => {
    const { ending, goesOn } = world.ends[index] ?? expect.fail()
    return { runId: claims[row.place]?.runId, ...ending, ...(goesOn && mayGoOn && { next: randomUUID() }) }
  })
  for (const [index, { runId }] of ends.entries()) {
    if (world.ends[index]?.isCancelled) {
      await sql`update worker.requests set cancel_requested = true where run_id = ${runId}`.execute(store)
    }
  }
  const ended = await ask(fixture, 'end_runs', ends)
  const all = (query: ReturnType<typeof sql>) => query.execute(store).then(({ rows }) => rows)
  return {
    claimed: told(claimed),
    ended: told(ended.filter(row => row.kind !== 'wake')),
    requests: await all(sql`
      select job, payload, state, failures, due_at is null as ready, error_code, ended_at is null as open
      from worker.requests where account = ${account} order by job, payload`),
    runs: await all(sql`
      select job, state, attempt, fence, error_code, finished_at is null as open from worker.runs
      where account = ${account} order by job, fence`),
    leases: await all(sql`
      select job, fence, slot, run_id is null as free, succeeded_at is null as never from worker.leases
      where account = ${account} order by job`),
    holds: await all(sql`
      select job, code, probes, probe_at > now() as later from worker.holds where account = ${account} order by job`),
  }
}

function told(rows: readonly Row[]): readonly object[] {
  return rows
    .map(({ place, verdict, kind, probed, run, answer }) => ({
      place,
      // The probe of another claim may be taken before or after the slots are counted.
      verdict: verdict === 'held' ? 'full' : verdict,
      kind,
      probed,
      told: withoutNames(run ?? answer),
    }))
    .toSorted((one, other) => one.place - other.place || JSON.stringify(one).localeCompare(JSON.stringify(other)))
}

function withoutNames(answer: object | undefined): unknown {
  return JSON.parse(JSON.stringify(answer ?? null), (name, value) =>
    ['account', 'runId', 'requestId'].includes(name) ? undefined : value,
  )
}
