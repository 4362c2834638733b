import { randomUUID } from 'node:crypto'
import { readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { ConfigError, errorCodeOf, isError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { explainFileFailure } from '../failures/file-failure.ts'
import { makeFolder } from '../failures/make-folder.ts'
import { listTree } from '../names/list-tree.ts'
import { nameOnDisk } from '../names/name-on-disk.ts'

export interface WrittenFile {
  /** Relative to the project's folder, with slashes; its names may come from a schema or a token. */
  readonly path: string
  readonly content: string
}

/**
 * Writes all files or none: first all as temporary files, then renames them.
 *
 * @param folder created if it doesn't exist
 * @throws ConfigError when a path leads out of the folder, also through a link, or equals another one on a file system that ignores case
 */
export async function writeFiles(folder: string, files: readonly WrittenFile[]): Promise<void> {
  const suffix = `.${randomUUID()}.tmp`
  const placed: { readonly target: string; readonly before: string | undefined }[] = []
  try {
    await makeFolder(folder)
    for (const { path } of files) await requirePlace(folder, path)
    requireApart(files.map(({ path }) => path))
    for (const { path, content } of files) {
      await makeFolder(dirname(join(folder, path)))
      await writeFile(join(folder, `${path}${suffix}`), content)
    }
    for (const { path } of files) {
      const target = join(folder, path)
      const before = await findContent(target)
      await rename(`${target}${suffix}`, target)
      placed.push({ target, before })
    }
  } catch (error) {
    for (const { target, before } of placed) {
      await (before === undefined ? rm(target) : writeFile(target, before))
    }
    // What couldn't be written, such as a path through a file, can't be removed either.
    for (const { path } of files) await rm(join(folder, `${path}${suffix}`), { force: true }).catch(() => {})
    throw explainUnwritable(folder, error)
  }
}

/** Names for files and folders: a single path segment without control characters. */
const fileName = /^(?!\.{1,2}$)[^/\\\p{Cc}\p{Cs}]{1,255}$/u

async function requirePlace(folder: string, path: string): Promise<void> {
  const names = path.split('/')
  if (!names.every(name => fileName.test(name))) {
    throw new ConfigError([{ found: `"${path}" is not a path inside ${folder}`, remedy: 'nothing was written' }])
  }
  const root = await realpath(folder)
  let place = root
  for (const name of names.slice(0, -1)) {
    place = join(place, name)
    const real = await realpath(place).catch(() => undefined)
    // A missing folder is created, so it isn't a link.
    if (real === undefined) return
    if (!real.startsWith(`${root}${sep}`)) {
      throw new ConfigError([
        {
          found: `${path} would be written to ${real}, outside of ${folder}, because of a link`,
          remedy: 'replace the link by a folder of the project',
        },
      ])
    }
  }
  const last = names.at(-1) ?? ''
  const twin = (await readdir(place)).find(other => other !== last && nameOnDisk(other) === nameOnDisk(last))
  if (twin !== undefined) throw new ConfigError([explainTwins(path, twin)])
}

function requireApart(paths: readonly string[]): void {
  const seen = new Map<string, string>()
  for (const path of paths) {
    const twin = seen.get(nameOnDisk(path))
    if (twin !== undefined) throw new ConfigError([explainTwins(path, twin)])
    seen.set(nameOnDisk(path), path)
  }
}

function explainTwins(path: string, twin: string): Explanation {
  return {
    found: `${path} and ${twin} are the same file on macOS and Windows`,
    remedy: 'rename one of them, such as a role in Keycloak and in Hasura',
  }
}

/** @returns the relative path of every file in a folder */
export function listFiles(folder: string): readonly string[] {
  return listTree(folder).files.map(path => relative(folder, path))
}

/** @returns undefined when there is no such file */
export async function findContent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return undefined
    throw explain(`${path} can't be read`, error)
  }
}

/** @returns a ConfigError if it is an error of the file system, else the error itself */
export function explainUnwritable(folder: string, error: unknown): unknown {
  return explain(`Nothing could be written to ${folder}`, error)
}

/** As `explainUnwritable`; a missing permission is the original's, because the copy is this process's own. */
export function explainFailedCopy(copy: string, error: unknown): unknown {
  const isRefused = isError(error) && 'path' in error && errorCodeOf(error) === 'EACCES'
  return isRefused ? explain(`${error.path} can't be read`, error) : explainUnwritable(copy, error)
}

function explain(what: string, error: unknown): unknown {
  const failure = explainFileFailure(what, error)
  return failure ? new ConfigError([failure]) : error
}
