import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface WrittenFile {
  /** Below the project's folder. */
  readonly path: string
  readonly content: string
}

/** Writes all the files or none: each beside its place first, then all into their places. */
export async function writeFiles(folder: string, files: readonly WrittenFile[]): Promise<void> {
  const suffix = `.${randomUUID()}.tmp`
  const placed: { readonly target: string; readonly before: string | undefined }[] = []
  try {
    for (const { path, content } of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
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
    for (const { path } of files) await rm(join(folder, `${path}${suffix}`), { force: true })
    throw error
  }
}

/** @returns undefined when there is no such file */
export async function findContent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
