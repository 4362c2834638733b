import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { makeTicks, reconcileSchedules, type Schedule } from '../../src/schedules/scheduler.ts'
import type { Tick } from '../../src/serving/look.ts'
import { appTest } from '../fixtures/app-test.ts'
import { stores } from '../fixtures/open-test-app.ts'

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('schedule', () => ({ account: `account-${randomUUID()}`, job: 'sync-users', rule: { everySeconds: 60 } }))
  .extend('told', (): unknown[] => [])
  /** When `tick` looked last. */
  .extend('looked', () => ({ at: new Date(0) }))
  .extend(
    'reconcile',
    ({ app }) =>
      (...schedules: Schedule[]) =>
        reconcileSchedules(app.deps.store, schedules),
  )
  .extend(
    'make',
    ({ schedule, app, told }) =>
      (ticks: readonly Tick[], now: Date, rules: readonly Schedule[] = [schedule]) =>
        makeTicks({ ...app.deps, observer: { requestAccepted: (...facts) => told.push(facts) } }, rules, ticks, now),
  )
  .extend(
    'row',
    ({ app, schedule }) =>
      async () =>
        (await app.deps.store
          .selectFrom('worker.schedules')
          .selectAll()
          .where('account', '=', schedule.account)
          .executeTakeFirst()) ?? expect.fail('no schedule'),
  )
  .extend(
    'requests',
    ({ app, schedule }) =>
      () =>
        app.deps.store.selectFrom('worker.requests').selectAll().where('account', '=', schedule.account).execute(),
  )
  .extend(
    'moveBack',
    ({ schedule, app }) =>
      (seconds: number) =>
        sql`update worker.schedules set next_run_at = next_run_at - make_interval(secs => ${seconds}),
      last_run_at = last_run_at - make_interval(secs => ${seconds}) where account = ${schedule.account}`.execute(
          app.deps.store,
        ),
  )
  /** What one look of a process finds due, which serves the schedule's line. */
  .extend(
    'findTicks',
    ({ app, schedule }) =>
      async ({ afterBootstrap = false } = {}): Promise<{ ticks: Tick[]; now: Date }> => {
        const id = randomUUID()
        await sql`select from worker.beat(${id}, 'test', 1, 6, '{}')`.execute(app.deps.store)
        await sql`insert into worker.served_lines values (${id}, ${schedule.account}, ${schedule.job}, ${afterBootstrap})`.execute(
          app.deps.store,
        )
        const { rows } = await sql<{ kind: string; account: string; job: string; due_at: Date }>`
      select * from worker.look(${id}, '{}', null, 0, 1000)`.execute(app.deps.store)
        const due = rows.filter(found => found.kind === 'tick')
        return {
          ticks: due.map(({ account, job, due_at: dueAt }) => ({ account, job, dueAt })),
          now: rows.find(found => found.kind === 'now')?.due_at ?? expect.fail('no time'),
        }
      },
  )
  .extend('tick', ({ findTicks, make, looked }) => async () => {
    const { ticks, now } = await findTicks()
    looked.at = now
    await make(ticks, now)
    return ticks.length
  })
  .extend(
    'lookBeside',
    ({ findTicks }) =>
      async () =>
        (await findTicks({ afterBootstrap: true })).ticks.length,
  )
  .extend(
    'noteAccount',
    ({ app, schedule }) =>
      (bootstrapped_at: Date | null) =>
        app.deps.store
          .insertInto('worker.accounts')
          .values({ name: schedule.account, issuer: 'i', subject: 's', endpoint: '', bootstrapped_at })
          .onConflict(conflict => conflict.column('name').doUpdateSet({ bootstrapped_at }))
          .execute(),
  )
  .extend(
    'noteRequest',
    ({ schedule, app }) =>
      (job: string, state: 'running' | 'failed' | 'done', bootstrap_id: string | null = null) =>
        sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, bootstrap_id)
        values (${randomUUID()}, ${schedule.account}, ${job}, '{}', '', 'bootstrap', '', 'normal', now(), ${state}, ${bootstrap_id})`.execute(
          app.deps.store,
        ),
  )

// The store alone keeps schedules.
describe.each(stores)('schedules on %s', backend => {
  test.override('backend', backend)

  test('a new interval is due at once, and then once in each interval', async ({
    reconcile,
    schedule,
    row,
    tick,
    requests,
    told,
    moveBack,
  }) => {
    await reconcile(schedule)
    const { next_run_at: begun } = await row()
    expect(await tick()).toBe(1)
    expect(await tick()).toBe(0)
    const made = { job: 'sync-users', trigger: 'schedule', state: 'waiting' }
    const [request, ...more] = await requests()
    expect([request, more]).toMatchObject([made, []])
    expect(told).toEqual([
      [
        { job: 'sync-users', account: schedule.account },
        { request: request?.id, trigger: 'schedule', absorbed: false },
      ],
    ])
    // The first interval is longer by up to a minute, so that what began together doesn't come together for ever.
    const { next_run_at: second } = await row()
    const firstMs = second.getTime() - begun.getTime()
    expect(firstMs).toBeGreaterThanOrEqual(60_000)
    expect(firstMs).toBeLessThan(120_000)
    await moveBack(firstMs / 1000)
    expect(await tick()).toBe(1)
    expect((await row()).next_run_at.getTime() - second.getTime() + firstMs).toBe(60_000)
  })

  test('several processes that look at once make each tick once', async ({
    reconcile,
    schedule,
    findTicks,
    make,
    requests,
    app,
  }) => {
    await reconcile(schedule)
    const found = await Promise.all(Array.from({ length: 5 }, () => findTicks()))
    expect(found.map(({ ticks }) => ticks.length)).toEqual([1, 1, 1, 1, 1])
    await Promise.all(found.map(({ ticks, now }) => make(ticks, now)))
    expect(await requests()).toHaveLength(1)
    await sql`update worker.requests set state = 'done' where account = ${schedule.account}`.execute(app.deps.store)
    // What was seen before somebody else's tick is no tick any more.
    await make(found[0]?.ticks ?? [], found[0]?.now ?? new Date())
    expect(await requests()).toHaveLength(1)
  })

  test('a night without a worker: one run makes up for it, and what was missed is counted', async ({
    looked,
    reconcile,
    schedule,
    tick,
    moveBack,
    row,
  }) => {
    await reconcile(schedule)
    await tick()
    await moveBack(8 * 3_600)
    const { next_run_at: due } = await row()
    expect(await tick()).toBe(1)
    const after = await row()
    expect(after.next_run_at.getTime()).toBeGreaterThan(looked.at.getTime())
    expect((after.next_run_at.getTime() - due.getTime()) % 60_000).toBe(0)
    expect(Number(after.missed)).toBeGreaterThan(470)
    expect(after.last_missed_at).toBeInstanceOf(Date)
  })

  test('ticks that were missed are logged when that is stored, not each time the store refuses it', async ({
    schedule,
    reconcile,
    moveBack,
    row,
    make,
    app,
  }) => {
    await reconcile(schedule)
    await moveBack(36_000)
    const { account, job } = schedule
    const ticks = [{ account, job, dueAt: (await row()).next_run_at }]
    const told = expect.stringMatching(/missed: no worker was running, or the store was out of reach, or/)
    const logged = () => app.logged.lines.filter(line => line.account === account && 'missed' in line)
    await sql`alter function worker.tick rename to tick_away`.execute(app.deps.store)
    await expect(make(ticks, new Date())).rejects.toThrow('tick')
    expect(logged()).toEqual([])
    await sql`alter function worker.tick_away rename to tick`.execute(app.deps.store)
    await make(ticks, new Date())
    expect(logged()).toMatchObject([{ msg: told }])
  })

  test('a rule that skips what was missed makes nothing up, and comes again in time', async ({
    schedule,
    reconcile,
    moveBack,
    findTicks,
    make,
    requests,
    row,
  }) => {
    const skipping: Schedule = { ...schedule, rule: { everySeconds: 60, missed: 'skip' } }
    await reconcile(skipping)
    await moveBack(600)
    const { ticks, now } = await findTicks()
    await make(ticks, now, [skipping])
    expect(await requests()).toEqual([])
    expect(Number((await row()).missed)).toBe(11)
    await moveBack(60)
    const late = await findTicks()
    await make(late.ticks, late.now, [skipping])
    expect(await requests()).toHaveLength(1)
  })

  test('a time that an operator set with microseconds is passed like any other', async ({
    reconcile,
    schedule,
    app,
    tick,
  }) => {
    await reconcile(schedule)
    await sql`update worker.schedules set next_run_at = now() - interval '5.000123 seconds' where account = ${schedule.account}`.execute(
      app.deps.store,
    )
    expect(await tick()).toBe(1)
    expect(await tick()).toBe(0)
  })

  test('a rule that is the same keeps its time, also an overdue one; a changed one has a new time when nothing is due', async ({
    reconcile,
    schedule,
    tick,
    moveBack,
    row,
  }) => {
    await reconcile(schedule)
    await tick()
    await moveBack(200)
    const overdue = (await row()).next_run_at
    await reconcile(schedule)
    expect((await row()).next_run_at).toEqual(overdue)
    const daily: Schedule = { ...schedule, rule: { cron: '0 0 * * *' } }
    await reconcile(daily)
    // Replicas that don't agree yet must not lose the tick that is due, nor make one.
    expect(await row()).toMatchObject({ rule: '0 0 * * * UTC', next_run_at: overdue })
    await reconcile(schedule)
    expect(await tick()).toBe(1)
    await reconcile(daily)
    const { next_run_at: midnight } = await row()
    expect([midnight.getUTCHours(), midnight.getUTCMinutes()]).toEqual([0, 0])
  })

  test.for([
    { every: 'minute', rule: { everySeconds: 60 } },
    { every: 'night', rule: { cron: '0 3 * * *' } },
  ])(
    'a clock that was a year ahead doesn’t stop what runs every $every',
    async ({ rule }, { reconcile, schedule, row, moveBack, app }) => {
      const own = { ...schedule, rule }
      await reconcile(own)
      const { next_run_at: usual } = await row()
      await sql`update worker.schedules set last_run_at = now() where account = ${schedule.account}`.execute(
        app.deps.store,
      )
      await moveBack(-365 * 86_400)
      await reconcile(own)
      const { next_run_at: next } = await row()
      expect(next.getTime() - usual.getTime()).toBeLessThanOrEqual(86_400_000)
      // Nor does it stop one that gets another rule now.
      await moveBack(-365 * 86_400)
      await reconcile({ ...schedule, rule: { everySeconds: 120 } })
      expect((await row()).next_run_at.getTime() - usual.getTime()).toBeLessThanOrEqual(86_400_000)
    },
  )

  test('a schedule that is paused waits, and stays so', async ({ reconcile, schedule, app, tick }) => {
    await reconcile(schedule)
    const pause = (paused: boolean) =>
      app.deps.store.updateTable('worker.schedules').set({ paused }).where('account', '=', schedule.account).execute()
    await pause(true)
    await reconcile(schedule)
    expect(await tick()).toBe(0)
    await pause(false)
    expect(await tick()).toBe(1)
  })

  test('a schedule of another process or version is neither deleted nor served here', async ({
    reconcile,
    schedule,
    findTicks,
    make,
    requests,
    tick,
  }) => {
    await reconcile(schedule)
    await reconcile({ ...schedule, account: `account-${randomUUID()}` })
    const { ticks, now } = await findTicks()
    await make(ticks, now, [])
    expect(await requests()).toEqual([])
    expect(await tick()).toBe(1)
  })

  describe('of a new account', () => {
    test('a tick waits for the bootstrap, and is made up for when that is done', async ({
      reconcile,
      schedule,
      lookBeside,
      noteAccount,
      noteRequest,
    }) => {
      await reconcile(schedule)
      expect(await lookBeside()).toBe(0)
      await noteAccount(null)
      await noteRequest('bootstrap-account', 'running')
      expect(await lookBeside()).toBe(0)
      await noteAccount(new Date())
      expect(await lookBeside()).toBe(1)
    })

    test('a tick of a job comes once its step is done', async ({
      reconcile,
      schedule,
      noteAccount,
      noteRequest,
      lookBeside,
    }) => {
      await reconcile(schedule)
      await noteAccount(null)
      await noteRequest(schedule.job, 'done', 'the-bootstrap')
      expect(await lookBeside()).toBe(1)
    })

    test('ticks come when the bootstrap failed', async ({
      reconcile,
      schedule,
      noteAccount,
      noteRequest,
      lookBeside,
    }) => {
      await reconcile(schedule)
      await noteAccount(null)
      await noteRequest('bootstrap-account', 'failed')
      expect(await lookBeside()).toBe(1)
    })
  })

  test('the store’s clock counts, not that of a process', async ({ reconcile, schedule, row, app }) => {
    await reconcile(schedule)
    expect(Math.abs((await row()).next_run_at.getTime() - Date.now())).toBeLessThan(60_000)
    const { rows } = await sql<{ late: number }>`
      select extract(epoch from now() - next_run_at)::float8 as late from worker.schedules where account = ${schedule.account}`.execute(
      app.deps.store,
    )
    expect(rows[0]?.late).toBeGreaterThanOrEqual(0)
  })
})
