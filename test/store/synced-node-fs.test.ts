import { fstatSync, fsyncSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/store/open-database.ts'
import { databaseFolder } from '../../src/store/private-folder.ts'
import { SyncedNodeFS, syncedStartParams } from '../../src/store/synced-node-fs.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'

test('a commit is answered once the log is on the disk, and a checkpoint once tables and folders are', async () => {
  await using dataDir = await openDataDir()
  const folder = databaseFolder(dataDir.path)
  let synced: number[] = []
  const sync = (file: number) => {
    synced.push(fstatSync(file).ino)
    fsyncSync(file)
  }
  const db = new PGlite({ fs: new SyncedNodeFS(folder, sync), startParams: [...syncedStartParams] })
  await using closing = new AsyncDisposableStack()
  closing.defer(() => db.close())
  await db.exec('create table rows (id int)')

  synced = []
  await db.exec('insert into rows values (1)')
  const log = join(folder, 'pg_wal')
  expect(readdirSync(log).map(name => statSync(join(log, name)).ino)).toEqual(expect.arrayContaining(synced))
  expect(synced).toHaveLength(1)

  await db.exec('checkpoint')
  const { rows } = await db.query<{ path: string }>(`select pg_relation_filepath('rows') as path`)
  expect(synced).toContain(statSync(join(folder, rows[0]?.path ?? expect.fail())).ino)
  expect(synced).toContain(statSync(join(folder, 'pg_xact')).ino)
})

test('the embedded store is opened so', async () => {
  await using dataDir = await openDataDir()
  await using database = await openDatabase({ dataDir: dataDir.path }, captureLog().log)
  const { rows } = await sql`
    select current_setting('fsync') as fsync, current_setting('wal_sync_method') as method`.execute(database.store)
  expect(rows).toEqual([{ fsync: 'on', method: 'fsync' }])
})
