import { lstat, mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { errorCodeOf } from '../errors.ts'

/**
 * Creates a folder, and those above it. Node's own recursive `mkdir` reports a read-only or full disk as ENOENT (nodejs/node#47098),
 * and never returns where the kernel refuses new folders so, as below `/proc`.
 */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  try {
    await mkdir(path, { mode })
  } catch (error) {
    const code = errorCodeOf(error)
    if (code === 'EEXIST') return
    const parent = dirname(resolve(path))
    if (code !== 'ENOENT' || (await exists(parent))) throw error
    await makeFolder(parent, mode)
    await makeFolder(path, mode)
  }
}

/** Also of a link that leads nowhere. */
export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}
