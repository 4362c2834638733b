import { lstatSync, readdirSync } from 'node:fs'
import { chmod, lstat, mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, type Explanation } from '../errors.ts'

/** Where the embedded database is. */
export function databaseFolder(dataDir: string): string {
  return join(dataDir, 'postgres')
}

/**
 * Makes `DATA_DIR`, or what is there, the folder of this user alone (mode 0700), as Postgres asks of its own data directory
 * (PostgreSQL docs, 18.2 "Creating a Database Cluster"). A folder that belongs to root, such as a mounted volume, stays as it is.
 *
 * @param uid of this process; undefined where users have no numbers, and then owners are not looked at
 * @returns what was open to others until now
 * @throws ConfigError when it belongs to another user, or every user can replace what is in it
 */
export async function ensurePrivateFolder(dataDir: string, uid: number | undefined): Promise<readonly Explanation[]> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const { foreign, open } = await inspectFolder(dataDir, uid)
  if (foreign.length > 0) throw new ConfigError(foreign)
  if (open.length > 0) await makePrivate(dataDir)
  return open
}

/** The same for the database in it: folders with mode 0700, files with 0600. To be called by the folder's one owner. */
export async function ensurePrivateDatabase(dataDir: string, uid: number | undefined): Promise<readonly Explanation[]> {
  const folder = databaseFolder(dataDir)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const foreign = await findForeignOwner(folder, [uid])
  if (foreign) throw new ConfigError([foreign])
  const paths = findOpenPaths(folder)
  for (const path of paths) await makePrivate(path)
  return describeOpenPaths(folder, paths)
}

/** What there is to say of both without changing anything; nothing of what isn't there yet. */
export async function inspectDataDir(dataDir: string, uid: number | undefined): Promise<DataDirInspection> {
  if (!(await exists(dataDir))) return { foreign: [], open: [] }
  const { foreign, open } = await inspectFolder(dataDir, uid)
  const folder = databaseFolder(dataDir)
  if (foreign.length > 0 || !(await exists(folder))) return { foreign, open }
  const foreignDatabase = await findForeignOwner(folder, [uid])
  if (foreignDatabase) return { foreign: [foreignDatabase], open }
  return { foreign, open: [...open, ...describeOpenPaths(folder, findOpenPaths(folder))] }
}

export interface DataDirInspection {
  /** Nothing that this process could mend: a start is refused. */
  readonly foreign: readonly Explanation[]
  /** The next start mends it. */
  readonly open: readonly Explanation[]
}

async function inspectFolder(dataDir: string, uid: number | undefined): Promise<DataDirInspection> {
  const { mode, uid: owner } = await stat(dataDir)
  // What matters is in a folder of ours, and root may read that anyway.
  const foreign = await findForeignOwner(dataDir, [uid, 0])
  if (foreign) return { foreign: [foreign], open: [] }
  if (uid !== undefined && owner !== uid) {
    return { foreign: (mode & 0o002) === 0 ? [] : [describeReplaceable(dataDir, mode)], open: [] }
  }
  return { foreign: [], open: (mode & 0o077) === 0 ? [] : [describeOpenFolder(dataDir, mode)] }
}

/** A file keeps what its owner may do. */
async function makePrivate(path: string): Promise<void> {
  const { mode } = await stat(path)
  try {
    await chmod(path, mode & 0o700)
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new ConfigError([
      {
        found: `${path} can be opened by other users and can't be made private (${said})`,
        remedy: 'set DATA_DIR to a folder on a file system that keeps modes and owners',
      },
    ])
  }
}

/** Of a link its own owner as well: whoever that is decides where it leads. */
async function findForeignOwner(
  path: string,
  trusted: readonly (number | undefined)[],
): Promise<Explanation | undefined> {
  const [uid] = trusted
  const owners = [(await lstat(path)).uid, (await stat(path)).uid]
  const owner = owners.find(each => !trusted.includes(each))
  if (uid === undefined || owner === undefined) return undefined
  return {
    found: `${path} belongs to user ${owner}, and this process runs as user ${uid}`,
    remedy: `run it as user ${owner}, or give the folder to user ${uid} (chown -R ${uid} ${path})`,
  }
}

function describeReplaceable(path: string, mode: number): Explanation {
  return {
    found: `${path} can be written by every user of this machine (mode ${octal(mode)}), so anybody could put another database there`,
    remedy: `take that away (chmod o-w ${path}), or set DATA_DIR to a folder of this user`,
  }
}

function describeOpenFolder(path: string, mode: number): Explanation {
  return {
    found: `${path} could be opened by other users of this machine (mode ${octal(mode)})`,
    remedy: 'a start of the worker gives it mode 0700; what was in it may be known to them',
  }
}

function describeOpenPaths(folder: string, { length }: readonly string[]): readonly Explanation[] {
  if (length === 0) return []
  return [
    {
      found: `${length} files and folders in ${folder} had modes that let other users read or write them`,
      remedy: 'a start of the worker gives them modes 0600 and 0700; what is in them may be known to others',
    },
  ]
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

/** The folder, and what is below it except links, which lead to something that isn't ours to change. */
function findOpenPaths(folder: string): readonly string[] {
  // A thousand small files: one after the other takes a tenth of what it takes with a promise for each.
  const below = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() || entry.isDirectory())
    .map(entry => join(entry.parentPath, entry.name))
  return [folder, ...below].filter(path => ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0)
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
