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
  await using _housekeeping = startHousekeeping(app.deps, async () => {})
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
  await using _housekeeping = startHousekeeping(app.deps, async () => {})
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
  await using _housekeeping = startHousekeeping(app.deps, async () => {})
  const findKept = async () =>
    (
      await sql<{ id: string }>`select id from worker.requests where ended_at is not null order by id`.execute(store)
    ).rows.map(row => row.id)
  const kept = ['cancelled', 'never-logged-in'].flatMap(account =>
    ['cancelled', 'failed', 'step'].map(which => `${account}, ${which}`),
  )
  await expect.poll(findKept).toEqual(kept)
})
