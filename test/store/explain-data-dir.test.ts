import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ConfigError, TransientError } from '../../src/errors.ts'
import { explainDataDir } from '../../src/store/explain-data-dir.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { databaseFolder, ensurePrivateFolder } from '../../src/store/private-folder.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'

const { log } = captureLog()

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-dir-'))
  await writeFile(join(folder, 'file'), '')
  await symlink('nowhere', join(folder, 'dangling'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test.each([
  ['dangling', 'ENOENT'],
  ['file/below', 'ENOTDIR'],
])('%s can hold no embedded database, and the system says why', async (name, code) => {
  const dataDir = join(folder, name)
  const error = await openDatabase({ dataDir }, log).catch(error => error)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error.message).toMatch(`The embedded database in ${dataDir} can't be opened, because `)
  expect(error.message).toMatch(`(${code}): correct the path`)
})

// The kernel answers as if the parent were missing, which it isn't.
test.runIf(existsSync('/proc/self'))('a folder that can never be made is refused, not tried for ever', async () => {
  await expect(openDatabase({ dataDir: '/proc/nowhere/data' }, log)).rejects.toThrow('(ENOENT): correct the path')
})

test('folders above it are made, for their user alone', async () => {
  const dataDir = join(folder, 'a/b/c')
  expect(await ensurePrivateFolder(dataDir, undefined)).toEqual([])
  expect(existsSync(dataDir)).toBe(true)
})

test('a full disk passes, and what PGlite does not explain is told with what to look at', async () => {
  const full = await explainDataDir(folder, { name: 'ErrnoError', errno: 51 })
  expect(full).toBeInstanceOf(TransientError)
  expect(full).toMatchObject({
    found: `The embedded database in ${folder} can't be opened, because the disk is full (ENOSPC)`,
    remedy: 'free space on it',
  })
  const unexplained = await explainDataDir(folder, new Error('PGlite failed to initialize properly'))
  expect(unexplained.found).toContain("can't be opened")
  expect(unexplained.remedy).toMatch(/^(?:check the disk and the limit of open files|free at least 32 MB)/)
})

test("Node's permission model is not told as a damaged disk", async () => {
  const ask = `require('node:fs').fsyncSync(1)`
  const { stderr } = spawnSync(process.execPath, ['--permission', '-e', ask], { encoding: 'utf8' })
  expect(stderr).toContain("code: 'ERR_ACCESS_DENIED'")
  const refused = await explainDataDir(folder, Object.assign(new Error('canary'), { code: 'ERR_ACCESS_DENIED' }))
  expect(refused).toBeInstanceOf(ConfigError)
  expect(refused.message).toMatch(
    /because Node runs with --permission.*: run Node without --permission, or set DATABASE_URL$/,
  )
})

test('files of another major version of Postgres are told as such, and not tried for ever', async () => {
  await using dataDir = await openDataDir()
  const version = join(databaseFolder(dataDir.path), 'PG_VERSION')
  const own = (await readFile(version, 'utf8')).trim()
  await writeFile(version, '17\n')
  const error = await openDatabase({ dataDir: dataDir.path }, log).catch(error => error)
  expect(error).toBeInstanceOf(ConfigError)
  expect(error.found).toMatch(`its files are those of PostgreSQL 17, and this version has PostgreSQL ${own}`)
})
