import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { expect, test } from 'vitest'
import { migrations } from '../../src/store/migrations.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { renderMigrations } from '../../src/store/render-migrations.ts'
import type { Store } from '../../src/store/store.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { openPlainStore, runScript } from './plain-store.ts'

/** Everything that a migration can leave behind, as Postgres writes it out. */
async function describeSchemas(store: Store): Promise<unknown> {
  const { rows } = await sql<{ definition: string }>`
    with ours as (select oid, nspname from pg_namespace where nspname in ('worker', 'mirror'))
    select format('column %s.%s %s %s %s %s', t.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
        a.attidentity, pg_get_expr(d.adbin, d.adrelid)) as definition
      from ours join pg_class t on t.relnamespace = ours.oid and t.relkind = 'r' join pg_attribute a on a.attrelid = t.oid
      left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum where a.attnum > 0 and not a.attisdropped
    union all select format('table %s %s %s %s', t.relname, t.relpersistence, t.relreplident, t.reloptions)
      from ours join pg_class t on t.relnamespace = ours.oid and t.relkind = 'r'
    union all select pg_get_indexdef(i.indexrelid)
      from ours join pg_class t on t.relnamespace = ours.oid join pg_index i on i.indrelid = t.oid
    union all select format('constraint %s %s %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
      from ours join pg_constraint c on c.connamespace = ours.oid
    union all select format('%s %s', pg_get_functiondef(f.oid), f.proacl)
      from ours join pg_proc f on f.pronamespace = ours.oid
    union all select format('applied %s', name) from worker.kysely_migration
    union all select format('lock %s %s', id, is_locked) from worker.kysely_migration_lock
    order by 1`.execute(store)
  return rows.map(({ definition }) => definition)
}

const names = Object.keys(migrations)

test.runIf(hasPostgres).each([0, 1, 3, names.length])(
  'the script makes of a store with its first %i migrations what the migrator makes, and a second run changes nothing',
  async applied => {
    await using migrated = await createDatabase()
    await using scripted = await createDatabase()
    await using expected = await openDatabase({ databaseUrl: migrated.url }, captureLog().log)
    await using plain = openPlainStore(scripted.url)
    const first = Object.fromEntries(Object.entries(migrations).slice(0, applied))
    if (applied > 0) {
      const migrator = new Migrator({
        db: plain.store,
        provider: { getMigrations: async () => first },
        migrationTableSchema: 'worker',
      })
      expect(await migrator.migrateToLatest()).not.toHaveProperty('error')
    }
    await runScript(scripted.url, renderMigrations(undefined))
    const made = await describeSchemas(plain.store)
    expect(made).toEqual(await describeSchemas(expected.store))
    await runScript(scripted.url, renderMigrations(undefined))
    expect(await describeSchemas(plain.store)).toEqual(made)
  },
)

test('the role is quoted, so that its name is never SQL', () => {
  expect(renderMigrations('x"; drop schema worker; --')).toContain(
    'grant usage on schema worker to "x""; drop schema worker; --"',
  )
})
