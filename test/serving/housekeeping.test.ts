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
