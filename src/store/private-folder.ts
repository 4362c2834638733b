import { lstatSync } from 'node:fs'
import { chmod, lstat, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, messageOf } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { exists, makeFolder } from '../failures/make-folder.ts'
import { listTree } from '../names/list-tree.ts'

/** The folder of the embedded database. */
export function databaseFolder(dataDir: string): string {
  return join(dataDir, 'postgres')
}

/**
 * Restricts `DATA_DIR` to this user (mode 0700), as Postgres requires for its own data directory (PostgreSQL docs, 18.2 "Creating
 * a Database Cluster"), and creates it if needed. A folder owned by root, such as a mounted volume, stays unchanged.
 *
 * @param uid of this process; undefined on systems without user ids, where owners aren't checked
 * @returns what others could access until now
 * @throws ConfigError if it is no folder, belongs to another user or holds other things, or if every user can replace its content
 */
export async function ensurePrivateFolder(dataDir: string, uid: number | undefined): Promise<readonly Explanation[]> {
  await makeFolder(dataDir, 0o700)
  const { foreign, open } = await inspectFolder(dataDir, uid)
  if (foreign.length > 0) throw new ConfigError(foreign)
  if (open.length > 0) await makePrivate(dataDir)
  return open
}

/** The same for the database in it: folders get mode 0700, files 0600. Only the owner of `DATA_DIR` may call it. */
export async function ensurePrivateDatabase(dataDir: string, uid: number | undefined): Promise<readonly Explanation[]> {
  const folder = databaseFolder(dataDir)
  await makeFolder(folder, 0o700)
  const foreign = await findForeignOwner(folder, [uid])
  if (foreign) throw new ConfigError([foreign])
  const paths = findOpenPaths(folder)
  for (const path of paths) await makePrivate(path)
  return describeOpenPaths(folder, paths)
}

/** What is wrong with both, without changing anything; what doesn't exist yet is skipped. */
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
  /** What this process can't fix: it refuses to start. */
  readonly foreign: readonly Explanation[]
  /** What the next start fixes. */
  readonly open: readonly Explanation[]
}

async function inspectFolder(dataDir: string, uid: number | undefined): Promise<DataDirInspection> {
  const found = await stat(dataDir)
  if (!found.isDirectory()) return { foreign: [describeNoFolder(dataDir)], open: [] }
  const { mode, uid: owner } = found
  // The content is in a folder of this user, and root can read that anyway.
  const foreign = await findForeignOwner(dataDir, [uid, 0])
  if (foreign) return { foreign: [foreign], open: [] }
  if (uid !== undefined && owner !== uid) {
    return { foreign: (mode & 0o002) === 0 ? [] : [describeReplaceable(dataDir, mode)], open: [] }
  }
  if ((mode & 0o077) === 0) return { foreign: [], open: [] }
  const other = await findOtherContent(dataDir)
  if (other !== undefined) return { foreign: [describeShared(dataDir, { mode, other })], open: [] }
  return { foreign: [], open: [describeOpenFolder(dataDir, mode)] }
}

/** Whose mode would change for others too: a folder such as `/tmp`, in which this worker hasn't made a database yet. */
async function findOtherContent(dataDir: string): Promise<string | undefined> {
  if (await exists(join(databaseFolder(dataDir), 'PG_VERSION'))) return undefined
  return (await readdir(dataDir)).find(
    name => !/^(?:\.|control\.sock)|^(?:postgres|dashboard-link|lost\+found)$/.test(name),
  )
}

/** A file keeps its owner's permissions. */
async function makePrivate(path: string): Promise<void> {
  const { mode } = await stat(path)
  try {
    await chmod(path, mode & 0o700)
  } catch (error) {
    const said = messageOf(error)
    throw new ConfigError([
      {
        found: `${path} can be opened by other users and can't be made private (${said})`,
        remedy: 'set DATA_DIR to a folder on a file system with permissions and owners',
      },
    ])
  }
}

/** For a link, also its own owner, who decides where it points. */
async function findForeignOwner(
  path: string,
  trusted: readonly (number | undefined)[],
): Promise<Explanation | undefined> {
  const [uid] = trusted
  const owners = [(await lstat(path)).uid, (await stat(path)).uid]
  const owner = owners.find(each => !trusted.includes(each))
  if (uid === undefined || owner === undefined) return undefined
  return {
    found: `${path} belongs to user ${owner}, but this process runs as user ${uid}`,
    remedy: `run it as user ${owner}, or give the folder to user ${uid} (chown -R ${uid} ${path})`,
  }
}

function describeNoFolder(path: string): Explanation {
  return { found: `${path} is not a folder`, remedy: 'set DATA_DIR to a folder, which is created if needed' }
}

function describeShared(path: string, { mode, other }: { readonly mode: number; readonly other: string }): Explanation {
  return {
    found: `${path} holds other things, such as ${JSON.stringify(other)}, and other users of this machine can open it (mode ${octal(mode)})`,
    remedy: `set DATA_DIR to a folder of its own, such as ${join(path, 'sync-worker')}`,
  }
}

function describeReplaceable(path: string, mode: number): Explanation {
  return {
    found: `${path} is writable for every user of this machine (mode ${octal(mode)}), so anyone could replace the database`,
    remedy: `remove that permission (chmod o-w ${path}), or set DATA_DIR to a folder of this user`,
  }
}

function describeOpenFolder(path: string, mode: number): Explanation {
  return {
    found: `${path} was accessible to other users of this machine (mode ${octal(mode)})`,
    remedy: 'the worker sets mode 0700 when it starts; others may know its previous content',
  }
}

function describeOpenPaths(folder: string, { length }: readonly string[]): readonly Explanation[] {
  if (length === 0) return []
  return [
    {
      found: `${length} files and folders in ${folder} had modes that let other users read or write them`,
      remedy: 'the worker sets modes 0600 and 0700 when it starts; others may know their content',
    },
  ]
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}

/** The folder and everything in it, except links, whose targets may belong to others. */
function findOpenPaths(folder: string): readonly string[] {
  const { files, folders } = listTree(folder)
  // A thousand small files: sequential calls take a tenth of the time of one promise each.
  return [folder, ...folders, ...files].filter(
    path => ((lstatSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0,
  )
}
