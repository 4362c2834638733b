import { readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, isError, TransientError, WorkerError } from '../errors.ts'
import { codeOfFile, explainFileFailure } from '../failures/file-failure.ts'
import { databaseFolder } from './private-folder.ts'

/** The major version of PGlite's Postgres, which opens no other's files. */
const ownMajor = '18'

/** Bytes that an embedded database needs beside what it has: two of its WAL segments. */
const neededBytes = 32 * 1024 * 1024

/**
 * Why an embedded database can't be opened. PGlite says so only if creating a file fails; for most other causes it reports that it
 * "failed to initialize properly".
 *
 * @param error what opening it threw
 */
export async function explainDataDir(dataDir: string, error: unknown): Promise<WorkerError> {
  if (error instanceof WorkerError) return error
  const what = `The embedded database in ${dataDir} can't be opened`
  const failure = explainFileFailure(what, error)
  if (failure?.isPassing === false) return new ConfigError([failure])
  if (failure) return new TransientError('store', failure, { cause: error })
  if (codeOfFile(error) === 'ERR_ACCESS_DENIED') {
    const found = `${what}, because Node runs with --permission, which also refuses what writes a commit to the disk (fsync)`
    return new ConfigError([{ found, remedy: 'run Node without --permission, or set DATABASE_URL' }])
  }
  const major = await readMajor(dataDir)
  if (major !== undefined && major !== ownMajor) {
    const found = `${what}, because its files are those of PostgreSQL ${major}, and this version has PostgreSQL ${ownMajor}`
    const remedy =
      'start the version that made them, or set DATA_DIR to a new folder, which is filled from the API again'
    return new ConfigError([{ found, remedy }])
  }
  const free = await freeBytes(dataDir)
  if (free !== undefined && free < neededBytes) {
    const megabytes = Math.floor(free / 1024 / 1024)
    const told = { found: `${what}, because the disk has ${megabytes} MB left`, remedy: 'free at least 32 MB' }
    return new TransientError('store', told, { cause: error })
  }
  const said = isError(error) ? error.message : 'no reason was given'
  const remedy =
    'check the disk and the limit of open files (ulimit -n); if its files are damaged, restore a copy of the folder'
  return new TransientError('store', { found: `${what} (${said})`, remedy }, { cause: error })
}

async function readMajor(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(databaseFolder(dataDir), 'PG_VERSION'), 'utf8').catch(() => undefined)
  return text?.trim()
}

async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch {
    return undefined
  }
}
