import { fsyncSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { expect, test } from 'vitest'
import { PGlitePool } from '../../src/store/pglite-pool.ts'
import { PanicWords } from '../../src/store/postgres-end.ts'
import { SyncedNodeFS, syncedStartParams } from '../../src/store/synced-node-fs.ts'
import { openClusterDir } from '../fixtures/data-dir.ts'

test('an embedded Postgres that has ended answers every statement with the reason, and can be opened again', async () => {
  await using folder = await openClusterDir()
  let isBroken = false
  const disk = {
    sync(file: number) {
      if (isBroken) throw Object.assign(new Error('i/o error, fsync'), { code: 'EIO', errno: -5 })
      fsyncSync(file)
    },
    async syncAmongOthers() {},
  }
  const panic = new PanicWords()
  const fs = new SyncedNodeFS(folder.path, disk)
  const pool = new PGlitePool(
    await PGlite.create({ fs, startParams: [...syncedStartParams], onStderr: panic.read }),
    panic,
  )
  const client = await pool.connect()
  await client.query('create table notes (text text)')

  isBroken = true
  const ended = expect.objectContaining({
    code: 'store',
    found: expect.stringMatching(/^The embedded database has ended \(could not fsync file ".*": I\/O error\)$/),
    remedy: expect.stringMatching(/^check the disk of DATA_DIR/),
  })
  await expect(client.query(`insert into notes values ('lost')`)).rejects.toEqual(ended)
  expect(await pool.postgresEnd.reached).toEqual(ended)
  isBroken = false
  for (const text of ['select 1', 'begin']) await expect(client.query(text)).rejects.toEqual(ended)
  await expect((await pool.connect()).query('select $1::int', [1])).rejects.toEqual(ended)
  await pool.end()

  await using again = await PGlite.create(folder.path)
  expect((await again.query('select from notes')).rows.length).toBeLessThanOrEqual(1)
})

test('one that has crashed has no complaint about the disk', async () => {
  await using folder = await openClusterDir()
  const pool = new PGlitePool(await PGlite.create(folder.path))
  const client = await pool.connect()
  const depth = 30_000
  await expect(client.query('select $1::text::jsonb', ['['.repeat(depth) + ']'.repeat(depth)])).rejects.toMatchObject({
    code: 'store',
    found: expect.stringMatching(/^The embedded database has ended \(.*\)$/),
    remedy: expect.stringMatching(/^start this process again, and if the database ends again, set DATABASE_URL/),
  })
  await pool.end()
})
