import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { readChanges } from '../../src/changes/changes.ts'
import { hostileSettings } from '../fixtures/hostile-settings.ts'
import type { Backend } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const test = tableTest
  .extend('backend', (): Backend => 'postgres')
  .extend('appOptions', { scope: 'file' }, async ({ closing }) => {
    const database = closing.use(await createDatabase({ settings: hostileSettings }))
    return { env: { DATABASE_URL: database.url } }
  })

describe.runIf(hasPostgres)('on a database whose every default is hostile', () => {
  const columns = `at timestamptz not null, name text not null, span interval, day date, naive timestamp, clock timetz,
    ratio float8, small real, price numeric, bytes bytea, uid uuid, flag boolean, doc jsonb, raw json, list text[],
    updated_at timestamptz not null default now(), primary key (at, name, span)`
  const row = (name: string) => `('2026-03-04 05:06:07.000008+00', '${name}', '-1 days +02:03:04.000005', '2026-04-03',
    '2026-03-04 05:06:07.123456', '05:06:07.000001-03:30', 0.1::float8 + 0.2, 1.17549435e-38, 12.500, '\\x00ff5c', '00000000-0000-4000-8000-000000000001',
    true, '{"a": "\\\\n", "n": 1e20}', '{"b":1.0,"a":2}', array['NULL', null, '\\n'])`

  test('a pull, a sweep and the changes hold what the API sent', async ({ sandbox, app }) => {
    const table = await sandbox.createTable({ columns, key: ['at', 'name', 'span'] })
    const names = ['b\\n', "o''c", 'ü€', 'NULL']
    await app.hasura.sql(`insert into ${table.name} values ${names.map(row).join(', ')}`)
    const account = app.addAccount()
    const job = table.pull({ pageSize: 2 })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 4 } })
    await expectMirrored(app, table, account, { mirroredAs: { list: 'to_json(list)::text' } })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    await app.hasura.sql(`update ${table.name} set span = '-2 days -03:00:00', updated_at = now() where name = 'NULL'`)
    await app.hasura.sql(`delete from ${table.name} where name = 'ü€'`)
    expect(await runPull(app, job, account, { payload: { sweep: true } })).toMatchObject({
      counts: { inserted: 1, deleted: 2 },
    })
    await expectMirrored(app, table, account, { mirroredAs: { list: 'to_json(list)::text' } })
    expect(await runPull(app, job, account, { payload: { sweep: true } })).toMatchObject({
      counts: { inserted: 0, updated: 0, deleted: 0 },
    })
    const { changes } = await readChanges(app.deps.store, job.mirror, { after: '0' })
    expect(changes.map(({ op, key }) => [op, key])).toEqual(
      expect.arrayContaining([
        ['upsert', { at: '2026-03-04 05:06:07.000008+00', name: 'b\\n', span: '-1 days +02:03:04.000005' }],
        ['delete', { at: '2026-03-04 05:06:07.000008+00', name: 'ü€', span: '-1 days +02:03:04.000005' }],
      ]),
    )
    const text =
      "select string_agg(format('%s|%s|%s|%s|%s', bytes, ratio, small, naive, clock), ',' order by name) as text from"
    const { rows } = await sql<{ text: string }>`${sql.raw(text)} ${sql.table(`mirror.${table.name}`)}
      where _deleted_at is null`.execute(app.deps.store)
    expect(rows).toEqual(await app.hasura.sql(`${text} ${table.name}`))
  })

  test('schedules come, runs and holds tell their times, and a request is carried out', async ({ sandbox, app }) => {
    const table = await sandbox.createTable({ columns, key: ['at', 'name', 'span'] })
    const account = app.addAccount()
    const job = table.pull()
    app.addJob({ ...job, schedule: { cron: '0 0 1 1 *' } })
    await using serving = await app.serve()
    const { rows } = await sql<{ now: Date }>`update worker.schedules set next_run_at = now() - interval '1 second'
      where account = ${account} returning now() as now`.execute(app.deps.store)
    const before = rows[0]?.now ?? expect.fail('no schedule')
    serving.look()
    await expect
      .poll(async () => (await app.operations.listRuns({ job: job.name, limit: 1 })).map(({ state }) => state))
      .toEqual(['succeeded'])
    const [run] = await app.operations.listRuns({ job: job.name, limit: 1 })
    expect(Date.parse(run?.startedAt ?? '')).toBeGreaterThanOrEqual(before.getTime())
    const hold = {
      scope: 'job',
      code: 'claims',
      found: 'No claims',
      metBy: 'gate',
      probed: false,
      pauseMs: 0,
      weight: 1,
    }
    await sql`select worker.place_hold(${account}, ${job.name}, ${JSON.stringify(hold)}::jsonb)`.execute(app.deps.store)
    const [held] = (await app.operations.listHolds()).filter(each => each.account === account)
    expect(Date.parse(held?.nextProbeAt ?? '')).toBeGreaterThanOrEqual(before.getTime())
  })
})
