import { readdir, readFile } from 'node:fs/promises'

const jobsFolder = new URL('../jobs/', import.meta.url)

/** The files of `src/jobs/` in which a job of this name is written, by its text; none where they can't be read. */
export async function findJobFiles(name: string): Promise<readonly string[]> {
  const files = (await readdir(jobsFolder).catch(() => [])).filter(file => /\.[jt]s$/.test(file))
  const texts = await Promise.all(files.map(file => readFile(new URL(file, jobsFolder), 'utf8').catch(() => '')))
  const written = [`'${name}'`, `"${name}"`].map(quoted => `name: ${quoted}`)
  return files
    .filter((_file, index) => written.some(text => texts[index]?.includes(text)))
    .map(file => `src/jobs/${file}`)
}
