import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { recordRepeated } from '../../src/operations/repeat-request.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import { hasPostgres } from '../services/postgres.ts'

test.runIf(hasPostgres)('whoever records repetitions locks the requests in the order of their ids', async () => {
  await using app = await openTestApp({ backend: 'postgres', jobs: [takeAnything('one')], firstLogin: null })
  const { store } = app.deps
  const account = app.addAccount()
  const asked = { account, job: 'one', trigger: 'cli', caller: 'test' } as const
  const made: string[] = []
  for (const n of [1, 2, 3]) made.push((await acceptRequest(store, { ...asked, payload: { n } })).id)
  const [first = expect.fail(), ...others] = made.toSorted()
  const repeated = [...others, first].map(id => ({ id, request: id }))
  // Where a scan of the table comes to it last.
  await sql`update worker.requests set trace = null where id = ${first}`.execute(store)
  const recording = await store.transaction().execute(async tx => {
    await sql`select from worker.requests where id = ${first} for update`.execute(tx)
    const record = recordRepeated(app.deps, repeated)
    await expect.poll(() => isWaiting()).toBe(true)
    const { rows } = await sql<{ id: string }>`select id from worker.requests where id = any(${others}) order by id
      for update skip locked`.execute(tx)
    expect(rows.map(({ id }) => id)).toEqual(others)
    return { record }
  })
  await recording.record
  const { rows } = await sql`select superseded_by from worker.requests where account = ${account}`.execute(store)
  expect(rows).toHaveLength(3)
  expect(rows).not.toContainEqual({ superseded_by: null })

  async function isWaiting(): Promise<boolean> {
    const { rows } = await sql`select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%superseded_by%'`.execute(store)
    return rows.length > 0
  }
})
