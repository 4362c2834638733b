import { cpSync } from 'node:fs'
import { chmod, chown, lchown, lstat, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { ensurePrivateDatabase, ensurePrivateFolder, inspectDataDir } from '../../src/store/private-folder.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openClusterDir } from '../fixtures/data-dir.ts'

const uid = process.getuid?.() ?? expect.fail()
const stranger = uid + 1

let dataDir: string
let umask: number
beforeEach(async () => {
  umask = process.umask(0)
  dataDir = await mkdtemp(join(tmpdir(), 'data-dir-'))
})
afterEach(async () => {
  process.umask(umask)
  await rm(dataDir, { recursive: true, force: true })
})

async function modeOf(path: string): Promise<string> {
  return ((await stat(path)).mode & 0o7777).toString(8)
}

async function findOpenPaths(folder: string): Promise<string[]> {
  const paths = (await readdir(folder, { recursive: true })).map(name => join(folder, name))
  const modes = await Promise.all([folder, ...paths].map(async path => ({ path, mode: (await lstat(path)).mode })))
  return modes.filter(({ mode }) => (mode & 0o077) !== 0).map(({ path }) => path)
}

describe('whatever the umask, the embedded database', () => {
  test('is only for its user in a folder that was open, including what an earlier version left and new segments of the log', async () => {
    await using old = await openClusterDir()
    cpSync(old.path, join(dataDir, 'postgres'), { recursive: true })
    await chmod(dataDir, 0o755)
    const before = await findOpenPaths(dataDir)
    expect(before).toContainEqual(expect.stringContaining('pg_wal/0'))
    const { log, lines } = captureLog()
    {
      await using database = await openDatabase({ dataDir, uid }, log)
      await sql`create table worker.made_now as select 1 as one; select pg_switch_wal(); checkpoint`.execute(
        database.store,
      )
      expect(await findOpenPaths(dataDir)).toEqual([])
    }
    expect(await findOpenPaths(dataDir)).toEqual([])
    const told = lines.map(({ msg }) => msg)
    expect(told).toEqual([
      expect.stringContaining(`${dataDir} was accessible to other users of this machine (mode 0755)`),
      expect.stringContaining(`${before.length - 1} files and folders in ${join(dataDir, 'postgres')} had modes`),
    ])
  })

  test('is created only for its user', async () => {
    const made = join(dataDir, 'below', 'made')
    await using _database = await openDatabase({ dataDir: made, uid }, captureLog().log)
    expect(await findOpenPaths(made)).toEqual([])
  })
})

describe('a folder', () => {
  test.each([0o755, 0o750, 0o777, 0o701, 0o2770])(
    'with mode %o is mended once, and doctor says so before',
    async mode => {
      await chmod(dataDir, mode)
      const found = await inspectDataDir(dataDir, uid)
      expect(found).toMatchObject({ foreign: [], open: [{ found: expect.stringContaining(dataDir) }] })
      expect(await modeOf(dataDir)).toBe(mode.toString(8))
      expect(await ensurePrivateFolder(dataDir, uid)).toEqual(found.open)
      expect(await modeOf(dataDir)).toBe('700')
      expect(await ensurePrivateFolder(dataDir, uid)).toEqual([])
    },
  )

  test('that holds other things is refused and keeps its mode, unless nobody else can open it', async () => {
    await writeFile(join(dataDir, 'notes.txt'), '')
    await ensurePrivateFolder(dataDir, uid)
    await chmod(dataDir, 0o1777)
    const { foreign, open } = await inspectDataDir(dataDir, uid)
    expect(foreign).toEqual([
      {
        found: `${dataDir} holds other things, such as "notes.txt", and other users of this machine can open it (mode 1777)`,
        remedy: `set DATA_DIR to a folder of its own, such as ${dataDir}/sync-worker`,
      },
    ])
    expect(open).toEqual([])
    await expect(ensurePrivateFolder(dataDir, uid)).rejects.toThrow('holds other things')
    expect(await modeOf(dataDir)).toBe('1777')
  })

  test('with only hidden files, or with a database already, is mended whatever else it holds', async () => {
    await writeFile(join(dataDir, '.gitignore'), '*')
    await mkdir(join(dataDir, 'lost+found'))
    expect(await ensurePrivateFolder(dataDir, uid)).toEqual([])
    await chmod(dataDir, 0o755)
    expect(await ensurePrivateFolder(dataDir, uid)).toHaveLength(1)
    await writeFile(join(dataDir, 'notes.txt'), '')
    await mkdir(join(dataDir, 'postgres'))
    await writeFile(join(dataDir, 'postgres', 'PG_VERSION'), '18')
    await chmod(dataDir, 0o755)
    expect(await ensurePrivateFolder(dataDir, uid)).toHaveLength(1)
  })

  test('is not a file or a device: its mode stays as it is', async () => {
    const file = join(dataDir, 'file')
    await writeFile(file, '')
    await chmod(file, 0o666)
    await expect(ensurePrivateFolder(file, uid)).rejects.toThrow('is not a folder')
    expect((await inspectDataDir(file, uid)).foreign).toHaveLength(1)
    expect(await modeOf(file)).toBe('666')
  })

  test('is refused if it or its database belongs to another user', async () => {
    if (uid === 0) await chown(dataDir, 4_711, 4_711)
    const self = uid === 0 ? uid : stranger
    await expect(ensurePrivateFolder(dataDir, self)).rejects.toThrow(/belongs to user \d+, but this process runs as/)
    await mkdir(join(dataDir, 'postgres'))
    await expect(ensurePrivateDatabase(dataDir, stranger)).rejects.toBeInstanceOf(ConfigError)
    expect((await inspectDataDir(dataDir, stranger)).foreign).toHaveLength(1)
  })

  test.runIf(uid === 0)(
    'of root, as a mounted volume is, stays as it is unless everybody can write there',
    async () => {
      await chmod(dataDir, 0o2775)
      expect(await ensurePrivateFolder(dataDir, 1_000)).toEqual([])
      expect(await modeOf(dataDir)).toBe('2775')
      for (const mode of [0o777, 0o1777]) {
        await chmod(dataDir, mode)
        await expect(ensurePrivateFolder(dataDir, 1_000)).rejects.toThrow('anyone could replace the database')
      }
    },
  )

  test.runIf(uid === 0)('that a link of another user leads to is refused: who owns the link decides', async () => {
    const link = join(dataDir, 'link')
    await mkdir(join(dataDir, 'own'), { mode: 0o700 })
    await symlink('own', link)
    expect(await ensurePrivateFolder(link, uid)).toEqual([])
    await lchown(link, 4_711, 4_711)
    await expect(ensurePrivateFolder(link, uid)).rejects.toThrow('belongs to user 4711')
  })

  test('is not followed out of: what a link in the database leads to keeps its mode', async () => {
    const elsewhere = join(dataDir, 'elsewhere')
    const file = join(elsewhere, 'file')
    await mkdir(elsewhere, { mode: 0o755 })
    await writeFile(file, '', { mode: 0o644 })
    await mkdir(join(dataDir, 'postgres'))
    await symlink(elsewhere, join(dataDir, 'postgres', 'link-to-folder'))
    await symlink(file, join(dataDir, 'postgres', 'link-to-file'))
    await ensurePrivateDatabase(dataDir, uid)
    expect([await modeOf(elsewhere), await modeOf(file)]).toEqual(['755', '644'])
  })
})
