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
      array(select host from worker.processes where expires_at > now() + interval '1 day') as living`.execute(store)
    return rows[0]
  }
  await expect.poll(findLater).toEqual({ held: ['usual'], waiting: ['usual', 'with steps'], living: [] })
})
