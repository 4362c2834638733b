import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { startHousekeeping } from '../../src/serving/housekeeping.ts'
import { appTest } from '../fixtures/app-test.ts'

appTest('the audit trail is kept for a year', async ({ app }) => {
  const { store } = app.deps
  await sql`insert into worker.audit (viewer, action, wanted, at) values
    ('older', 'run', '{}', now() - interval '366 days'), ('younger', 'run', '{}', now() - interval '364 days')`.execute(
    store,
  )
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  const findViewers = async () =>
    (await store.selectFrom('worker.audit').select('viewer').execute()).map(row => row.viewer)
  await expect.poll(findViewers).toEqual(['younger'])
})

appTest('what was put off while the store’s clock was ahead goes on', async ({ app }) => {
  const { store } = app.deps
  await sql`insert into worker.holds (account, job, met_by, code, found, probe_at, asked_until) values
    ('ahead', '', 'gate', 'network', 'The API is away', now() + interval '55 days', now() + interval '55 days'),
    ('usual', '', 'gate', 'rate-limited', 'The API asks for a day', now() + interval '1 day', now() + interval '1 day')`.execute(
    store,
  )
  const waits = (account: string, due: string) =>
    sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, due_at)
      values (${randomUUID()}, ${account}, 'sync-users', '{}', '', 'cli', '', 'normal', now(), 'waiting', ${sql.raw(due)})`.execute(
      store,
    )
  await waits('ahead', "now() + interval '55 days'")
  await waits('usual', "now() + interval '1 day'")
  await waits('with steps', "'infinity'")
  await sql`insert into worker.processes (id, host, pid, expires_at) values
    (${randomUUID()}, 'killed', 1, now() + interval '55 days')`.execute(store)
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  const findLater = async () => {
    const { rows } = await sql`select
      array(select account from worker.holds where probe_at > now() or asked_until > now()) as held,
      array(select account from worker.requests where due_at is not null order by account) as waiting,
      array(select host from worker.processes where host = 'killed' and expires_at > now() + interval '1 day') as living`.execute(
      store,
    )
    return rows[0]
  }
  await expect.poll(findLater).toEqual({ held: ['usual'], waiting: ['usual', 'with steps'], living: [] })
})

appTest('an account that is not bootstrapped keeps its bootstraps and their steps', async ({ app }) => {
  const { store } = app.deps
  await sql`insert into worker.accounts (name, issuer, subject, endpoint, bootstrapped_at) values
    ('bootstrapped', '', '', '', now()), ('cancelled', '', '', '', null)`.execute(store)
  const ended = (
    id: string,
    account: string,
    job: string,
    state: string,
    days: number,
    bootstrap: string | null = null,
  ) =>
    sql`insert into worker.requests
        (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at, bootstrap_id)
      values (${id}, ${account}, ${job}, '{}', '', 'bootstrap', '', 'normal', now(), ${state},
        now() - make_interval(days => ${days}), ${bootstrap})`.execute(store)
  for (const account of ['bootstrapped', 'cancelled', 'never-logged-in']) {
    await ended(`${account}, failed`, account, 'bootstrap-account', 'failed', 31)
    await ended(`${account}, cancelled`, account, 'bootstrap-account', 'cancelled', 8)
    await ended(`${account}, step`, account, 'sync-users', 'done', 8, `${account}, cancelled`)
    await ended(`${account}, other`, account, 'greet-user', 'done', 8)
    await ended(`${account}, its step`, account, 'sync-users', 'done', 8, `${account}, other`)
  }
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  const findKept = async () =>
    (
      await sql<{ id: string }>`select id from worker.requests where ended_at is not null order by id`.execute(store)
    ).rows.map(row => row.id)
  const kept = ['cancelled', 'never-logged-in'].flatMap(account =>
    ['cancelled', 'failed', 'step'].map(which => `${account}, ${which}`),
  )
  await expect.poll(findKept).toEqual(kept)
})

appTest('a schedule that was removed is dropped, but not while a process has it, nor a paused one', async ({ app }) => {
  const { store } = app.deps
  const [older, newer] = [randomUUID(), randomUUID()]
  await sql`insert into worker.processes (id, host, pid, expires_at) values
    (${older}, 'older', 1, now() + interval '50 s'), (${newer}, 'newer', 1, now() + interval '50 s')`.execute(store)
  await sql`insert into worker.served_lines (process, account, job, after_bootstrap, has_schedule) values
    (${newer}, 'a', 'on-demand-now', false, false), (${newer}, 'a', 'on-demand-soon', false, false),
    (${older}, 'a', 'on-demand-soon', false, true), (${newer}, 'a', 'paused', false, false),
    (${newer}, 'a', 'scheduled', false, true)`.execute(store)
  await sql`insert into worker.schedules (account, job, rule, next_run_at, paused)
    select 'a', job, 'every 300 s', now() - interval '1 day', job = 'paused'
    from unnest('{on-demand-now,on-demand-soon,paused,scheduled,of-nobody}'::text[]) job`.execute(store)
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  const findScheduled = async () =>
    (await store.selectFrom('worker.schedules').select('job').where('account', '=', 'a').orderBy('job').execute()).map(
      ({ job }) => job,
    )
  await expect.poll(findScheduled).toEqual(['of-nobody', 'on-demand-soon', 'paused', 'scheduled'])
})

appTest('a hold for which nothing waits is dropped: nothing would ever probe it', async ({ app }) => {
  const { store } = app.deps
  await sql`insert into worker.holds (account, job, met_by, code, found, since, probe_at, asked_until)
    select account, job, 'gate', 'job-roles', 'The token lacks a role', now() - since, now(), asked_until from (values
      ('b', 'cancelled', interval '1 hour', null), ('b', 'waits', '1 hour', null), ('b', 'runs', '1 hour', null),
      ('b', 'just-met', '1 s', null), ('b', 'asked', '1 hour', now() + interval '1 hour'), ('c', '', '1 hour', null),
      ('d', '', '1 hour', null)
    ) h(account, job, since, asked_until)`.execute(store)
  await sql`insert into worker.requests (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, due_at)
    values (${randomUUID()}, 'b', 'waits', '{}', '', 'cli', '', 'normal', now(), 'waiting', null),
      (${randomUUID()}, 'd', 'any', '{}', '', 'cli', '', 'normal', now(), 'waiting', now() + interval '1 hour')`.execute(
    store,
  )
  await sql`insert into worker.leases (account, job, fence, run_id) values ('b', 'runs', 1, ${randomUUID()})`.execute(
    store,
  )
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  const findHeld = async () =>
    (
      await store
        .selectFrom('worker.holds')
        .select(['account', 'job'])
        .where('account', 'in', ['b', 'c', 'd'])
        .execute()
    )
      .map(({ account, job }) => `${account} ${job}`)
      .toSorted()
  await expect.poll(findHeld).toEqual(['b asked', 'b just-met', 'b runs', 'b waits', 'd '])
})

appTest('an embedded database is vacuumed', async ({ app }) => {
  const { store } = app.deps
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  const findOthers = async () =>
    (
      await sql`select relname from pg_stat_user_tables where schemaname = 'worker' and last_vacuum is null`.execute(
        store,
      )
    ).rows
  await expect.poll(findOthers).toEqual([])
})

appTest('a table that refers to an old request keeps only requests, and is named', async ({ app }) => {
  const { store } = app.deps
  await sql`insert into worker.requests
      (id, account, job, payload, payload_hash, trigger, caller, priority, rank, state, ended_at)
    values ('referred to', 'north', 'sync-users', '{}', '', 'cli', '', 'normal', now(), 'done', now() - interval '8 days')`.execute(
    store,
  )
  await sql`insert into worker.audit (viewer, action, wanted, at) values ('long ago', 'run', '{}', now() - interval '366 days')`.execute(
    store,
  )
  await sql`create table public.orders (request text constraint order_request references worker.requests)`.execute(
    store,
  )
  await sql`insert into public.orders values ('referred to')`.execute(store)
  await using _housekeeping = startHousekeeping(app.deps, app.database, async () => {})
  await expect.poll(() => app.logged.text()).toContain('The foreign key \\"order_request\\" of public.orders keeps')
  const left = () => store.selectFrom('worker.audit').select('viewer').where('viewer', '=', 'long ago').execute()
  await expect.poll(left).toEqual([])
  await sql`drop table public.orders`.execute(store)
})
