import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { projectFolder } from './markdown.ts'

/** What the documents import by name, as it is in this checkout, without a build. */
const checkout = {
  'hasura-sync-worker': pathToFileURL(join(projectFolder, 'src/index.ts')).href,
  'hasura-sync-worker-client': pathToFileURL(join(projectFolder, 'packages/client/src/index.ts')).href,
  standardwebhooks: import.meta.resolve('standardwebhooks'),
}

/**
 * Runs a program in a folder outside of the project, as the project of whoever follows the documents.
 *
 * @param files by name, the program among them
 * @param modules where else imports lead, by their specifier
 * @returns what it has printed
 */
export async function runSnippet(
  folder: string,
  files: Readonly<Record<string, string>>,
  program: string,
  {
    env = {},
    modules = {},
  }: { env?: Readonly<Record<string, string>>; modules?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const hooks = `import { registerHooks } from 'node:module'
    const places = ${JSON.stringify({ ...checkout, ...modules })}
    registerHooks({ resolve: (name, context, next) => next(places[name] ?? name, context) })`
  for (const [name, content] of Object.entries({ ...files, 'hooks.mjs': hooks })) {
    await writeFile(join(folder, name), content)
  }
  const hooksUrl = pathToFileURL(join(folder, 'hooks.mjs')).href
  const words = ['--conditions=@hasura-sync-worker/source', '--import', hooksUrl, program]
  const options = { cwd: folder, env: { PATH: process.env.PATH ?? '', ...env } }
  return (await promisify(execFile)(process.execPath, words, options)).stdout
}
