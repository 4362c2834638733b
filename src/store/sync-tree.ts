import { open, realpath } from 'node:fs/promises'
import { errorCodeOf } from '../errors.ts'
import { listTree } from '../names/list-tree.ts'
import { withParents } from '../names/with-parents.ts'

/** The disk writes together what is asked of it at once: one after the other takes ten times as long. */
const filesAtOnce = 16

/** What this user may not open, such as a folder above, or that is mounted read-only, or whose file system has no such operation. */
const unsyncedCodes: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL', 'EBADF', 'ENOSYS'])

/**
 * Writes all files and folders in a folder, and the folders that lead to it, to the disk.
 *
 * @param sync writes an open file or folder to the disk
 */
export async function syncTree(folder: string, sync: (file: number) => Promise<void>): Promise<void> {
  const { files, folders } = listTree(folder)
  await forEach(files, path => syncPath(path, 'r+', sync))
  await forEach([...folders, ...withParents(await realpath(folder))], path => syncPath(path, 'r', sync))
}

/** Postgres tolerates the same (PostgreSQL, src/backend/storage/file/fd.c, fsync_fname_ext and SyncDataDirectory). */
async function syncPath(path: string, flags: 'r' | 'r+', sync: (file: number) => Promise<void>): Promise<void> {
  try {
    const file = await open(path, flags)
    // Not `await using`: under Yarn's Plug'n'Play the handle is one of Yarn's, which has no disposer.
    try {
      await sync(file.fd)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (!unsyncedCodes.has(errorCodeOf(error) ?? '')) throw error
  }
}

async function forEach(paths: readonly string[], work: (path: string) => Promise<void>): Promise<void> {
  const left = paths.values()
  const takeTurns = async () => {
    for (const path of left) await work(path)
  }
  await Promise.all(Array.from({ length: filesAtOnce }, takeTurns))
}
