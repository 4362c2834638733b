import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/open-database.ts'
import type { Store } from '../../src/store/store.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'

const never = new AbortController().signal

test('an embedded database takes the space of deleted rows for new ones', async () => {
  await using dataDir = await openDataDir()
  await using database = await openDatabase({ dataDir: dataDir.path }, captureLog().log)
  const { store } = database
  await sql`create table mirror."with.dot" (id integer primary key, title text)`.execute(store)
  const refill = async () => {
    await sql`delete from mirror."with.dot"`.execute(store)
    await sql`insert into mirror."with.dot" select n, repeat('x', 100) from generate_series(1, 3000) n`.execute(store)
    await sql`select pg_stat_force_next_flush()`.execute(store)
    await database.maintain(never)
  }
  await refill()
  const size = await sizeOf(store)
  for (let times = 0; times < 5; times++) await refill()
  expect(await sizeOf(store)).toBeLessThanOrEqual(2 * size)
})

test('an embedded database shortens its log while it runs, also with a table that can’t be vacuumed', async () => {
  await using dataDir = await openDataDir()
  await using database = await openDatabase({ dataDir: dataDir.path }, captureLog().log)
  const { store } = database
  for (let times = 0; times < 7; times++) {
    await sql`select pg_logical_emit_message(false, 'fill', repeat('x', 10000000))`.execute(store)
  }
  expect(await bytesToRecover(store)).toBeGreaterThan(70_000_000)
  await sql`create table mirror.spoiled (id integer)`.execute(store)
  await sql`insert into mirror.spoiled values (1)`.execute(store)
  const declare = (body: string) =>
    sql.raw(
      `create or replace function spoil(integer) returns integer immutable language plpgsql as $$ begin ${body}; end $$`,
    )
  await declare('return 1').execute(store)
  await sql`create index on mirror.spoiled (spoil(id))`.execute(store)
  await declare(`raise 'spoiled'`).execute(store)
  await sql`create table mirror.busy (id integer)`.execute(store)
  await sql`insert into mirror.busy select from generate_series(1, 3000)`.execute(store)
  await sql`delete from mirror.busy`.execute(store)
  await sql`select pg_stat_force_next_flush()`.execute(store)
  await expect(database.maintain(never)).rejects.toThrow('spoiled')
  const { rows } = await sql<{ isDone: boolean }>`
    select last_vacuum is not null as "isDone" from pg_stat_user_tables where relname = 'busy'`.execute(store)
  expect(rows).toEqual([{ isDone: true }])
  expect(await bytesToRecover(store)).toBeLessThan(1_000_000)
})

async function sizeOf(store: Store): Promise<number> {
  const { rows } = await sql<{
    size: number
  }>`select pg_total_relation_size('mirror."with.dot"')::integer as size`.execute(store)
  return rows[0]?.size ?? 0
}

async function bytesToRecover(store: Store): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::integer as bytes from pg_control_checkpoint()`.execute(
    store,
  )
  return rows[0]?.bytes ?? 0
}
