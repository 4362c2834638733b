import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rmdir, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** A separate file system that can be filled. */
export interface SmallDisk extends AsyncDisposable {
  readonly folder: string
  /** Leaves no free block. */
  fill(): Promise<void>
  makeRoom(): Promise<void>
}

const roomy = '4g'

/** In memory; undefined if this user may not mount file systems. */
export async function openSmallDisk(): Promise<SmallDisk | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-disk-'))
  try {
    await execute('mount', ['-t', 'tmpfs', '-o', `size=${roomy},mode=755`, 'chaos', folder])
  } catch {
    // Root in a container may not mount.
    await rmdir(folder)
    return undefined
  }
  await chmod(folder, 0o755)
  const resize = (size: string): Promise<unknown> => execute('mount', ['-o', `remount,size=${size}`, folder])
  return {
    folder,
    async fill() {
      // Writes in between may need more than was measured.
      for (let tries = 10; ; tries--) {
        const { blocks, bfree, bsize } = await statfs(folder)
        try {
          await resize(String((blocks - bfree) * bsize))
          return
        } catch (error) {
          if (tries === 0) throw error
        }
      }
    },
    async makeRoom() {
      await resize(roomy)
    },
    async [Symbol.asyncDispose]() {
      await execute('umount', ['--lazy', folder])
      await rmdir(folder)
    },
  }
}
