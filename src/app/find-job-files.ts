import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Project } from '../config/project.ts'

/** The files in the project's `src/jobs/` that define a job of this name, found by text; empty if they can't be read. */
export async function findJobFiles({ folder }: Pick<Project, 'folder'>, name: string): Promise<readonly string[]> {
  const jobs = join(folder, 'src/jobs')
  const files = (await readdir(jobs).catch(() => [])).filter(file => /\.[jt]s$/.test(file))
  const texts = await Promise.all(files.map(file => readFile(join(jobs, file), 'utf8').catch(() => '')))
  const written = [`'${name}'`, `"${name}"`].map(quoted => `name: ${quoted}`)
  return files
    .filter((_file, index) => written.some(text => texts[index]?.includes(text)))
    .map(file => `src/jobs/${file}`)
}
