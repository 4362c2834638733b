import { randomUUID } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { ConfigError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { codeOfFile, explainFileFailure } from '../failures/file-failure.ts'

/**
 * Replaces the content of a secret file atomically, so that nobody reads a part of it: mode 0600, and the previous owner.
 *
 * @param what how messages name it, such as "CLIENT_SECRET_FILE"
 * @throws ConfigError with the file and why it can't be written; never with its content
 */
export async function replaceSecretFile(what: string, path: string, content: string): Promise<void> {
  // Others read the target of a link.
  const target = await realpath(path).catch(() => path)
  const next = join(dirname(target), `.${basename(target)}.${randomUUID()}`)
  const before = await stat(target).catch(() => undefined)
  if (before && !before.isFile()) {
    const found = `${what} ${path} is not a regular file, so what is written there could not be read again`
    throw new ConfigError([{ found, remedy: `set ${what} to a file` }])
  }
  try {
    const file = await open(next, 'wx', 0o600)
    try {
      const made = await file.stat()
      if (before && (before.uid !== made.uid || before.gid !== made.gid)) await file.chown(before.uid, before.gid)
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(next, target)
  } catch (error) {
    await rm(next, { force: true }).catch(() => {})
    throw new ConfigError([explainUnwritten(`${what} ${path} can't be written`, error)])
  }
}

/** @param found what couldn't be done */
export function explainUnwritten(found: string, error: unknown): Explanation {
  const code = codeOfFile(error)
  if (code === 'EBUSY') {
    return { found: `${found}, because it is mounted by itself (EBUSY)`, remedy: 'mount its folder instead' }
  }
  const failure = ofFolder.has(code) ? undefined : explainFileFailure(found, error)
  if (failure) return failure
  const remedy = `its folder must exist, and this process must be allowed to replace files in it${code === 'EPERM' ? ' and to keep their owner' : ''}`
  return { found: `${found} (${code})`, remedy }
}

/** What the system says of the file when the folder is the cause. */
const ofFolder: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EPERM'])
