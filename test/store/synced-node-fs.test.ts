import { fstatSync, fsync, fsyncSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
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
  const disk = {
    sync(file: number) {
      synced.push(fstatSync(file).ino)
      fsyncSync(file)
    },
    syncAmongOthers: promisify(fsync),
  }
  const db = new PGlite({ fs: new SyncedNodeFS(folder, disk), startParams: [...syncedStartParams] })
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

test('a new database is on the disk once it is open, and so are the folders that lead to it', async () => {
  await using parent = await mkdtempDisposable(join(tmpdir(), 'synced-'))
  const folder = join(parent.path, 'made', 'postgres')
  mkdirSync(folder, { recursive: true })
  const synced = new Set<number>()
  const sync = (file: number) => void synced.add(fstatSync(file).ino)
  const disk = { sync, syncAmongOthers: async (file: number) => sync(file) }
  const db = new PGlite({
    fs: new SyncedNodeFS(folder, disk),
    startParams: [...syncedStartParams],
    initDbStartParams: ['--wal-segsize=1'],
  })
  await db.waitReady
  await db.close()
  const unsynced = () => listUnsynced(folder, synced)
  expect(unsynced()).toEqual([])

  // As after a process that was killed before it could do so.
  synced.clear()
  expect(unsynced()).not.toEqual([])
  const again = new PGlite({ fs: new SyncedNodeFS(folder, disk), startParams: [...syncedStartParams] })
  await again.waitReady
  await again.close()
  expect(unsynced()).toEqual([])
})

/** What is in a folder, and the two folders that lead to it, that nobody wrote to the disk. */
function listUnsynced(folder: string, synced: ReadonlySet<number>): string[] {
  const content = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    // Postgres makes its cache of the catalog again if it finds a damaged one.
    .filter(name => basename(name) !== 'pg_internal.init')
    .map(name => join(folder, name))
  return [...content, folder, dirname(folder), dirname(dirname(folder))].filter(path => !synced.has(statSync(path).ino))
}

test('the embedded store is opened so', async () => {
  await using dataDir = await openDataDir()
  await using database = await openDatabase({ dataDir: dataDir.path }, captureLog().log)
  const { rows } = await sql`
    select current_setting('fsync') as fsync, current_setting('wal_sync_method') as method`.execute(database.store)
  expect(rows).toEqual([{ fsync: 'on', method: 'fsync' }])
})
