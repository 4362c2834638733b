import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import type { Environment } from '../config/config.ts'
import type { Project } from '../config/project.ts'
import { ConfigError, isError, PermanentError } from '../errors.ts'
import { readSafely } from '../failures/read-safely.ts'
import { explainFailedCopy, explainUnwritable, listFiles, type WrittenFile, writeFiles } from './write-files.ts'

export interface GenerateDeps {
  readonly env: Environment
  readonly signal: AbortSignal
}

/**
 * Runs codegen as if the given files existed, on a copy of `graphql/`, so that a failure leaves nothing to undo.
 *
 * @throws PermanentError with codegen's message; ConfigError when nothing can be written to the project's folder
 */
export async function generateTypes(
  { folder, node }: Project,
  files: readonly WrittenFile[],
  deps: GenerateDeps,
): Promise<readonly WrittenFile[]> {
  // Inside the project, so that codegen finds its plugins.
  const scratch = await mkdtemp(join(folder, '.add-')).catch((error: unknown) => {
    throw explainUnwritable(folder, error)
  })
  try {
    const own = join(folder, 'graphql')
    if (existsSync(own)) {
      await cp(own, join(scratch, 'graphql'), { recursive: true }).catch((error: unknown) => {
        throw explainFailedCopy(scratch, error)
      })
    }
    await writeFiles(scratch, files)
    await runCodegen({ folder, node }, scratch, deps).catch(async (error: unknown) => {
      deps.signal.throwIfAborted()
      throw (await findForeignSettings(folder)) ?? error
    })
    const generated = await readGenerated(scratch)
    const isComplete = generated.some(({ path }) => path === join('src/generated', 'graphql.ts'))
    const foreign = isComplete ? undefined : await findForeignSettings(folder)
    if (foreign) throw foreign
    return generated
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Another program's codegen.ts generates types of its own API. */
async function findForeignSettings(folder: string): Promise<ConfigError | undefined> {
  const settings = await readFile(join(folder, 'codegen.ts'), 'utf8').catch(() => undefined)
  if (settings === undefined || settings.includes('hasura-sync-worker')) return undefined
  return new ConfigError([
    {
      found:
        'Nothing was written, because codegen.ts does not export "codegenSettings()" of hasura-sync-worker/codegen',
      remedy:
        "let it do so, or, if it is another program's, give the jobs a folder of their own: npx hasura-sync-worker init worker",
    },
  ])
}

/** @returns undefined when the development dependencies aren't installed */
export function findCodegen(folder: string): string | undefined {
  const main = readSafely(() => createRequire(join(folder, 'package.json')).resolve('@graphql-codegen/cli'))
  return main && join(dirname(main), '../esm/bin.js')
}

async function runCodegen(project: Project, scratch: string, { env, signal }: GenerateDeps): Promise<void> {
  const { folder, node } = project
  const [path, ...args] = node
  const codegen = findCodegen(folder) ?? ''
  try {
    // No more of the environment, which may hold secrets. A user whom the system doesn't know has a home only by HOME.
    const { PATH, NODE_OPTIONS = '' } = env
    const options = namesRelativeFile.test(NODE_OPTIONS) ? {} : { NODE_OPTIONS }
    await promisify(execFile)(path, [...args, codegen, '--config', join(folder, 'codegen.ts')], {
      cwd: scratch,
      env: { PATH, HOME: scratch, ...options },
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    const said = isError(error) && 'stderr' in error ? readComplaint(String(error.stderr), scratch) : String(error)
    throw new PermanentError('codegen', `Codegen failed, so nothing was written: ${said || saidNothing}`)
  }
}

/** Codegen doesn't tell that it couldn't write a file. */
const saidNothing = 'it gave no reason, as when the disk is full: free space on it'

/** A module that Node loads first, by its path from the project's folder: it isn't there from the scratch folder. */
const namesRelativeFile = /(?:^|\s)(?:-r|--require|--import|--(?:experimental-)?loader)[\s=]+["']?\.{1,2}\//

function readComplaint(stderr: string, scratch: string): string {
  const lines = stripVTControlCharacters(stderr).replaceAll(`${scratch}/`, '').split('\n')
  return lines
    .filter(line => !isOfStack.test(line))
    .map(line => line.replace(/^\s*✖?\s*/, ''))
    .filter(line => line !== '' && !line.startsWith('One or more errors occurred'))
    .join(' ')
    .replace(/^\w+ \[FAILED: (.*)\]$/, '$1')
}

const isOfStack = /^\s+at .+(?::\d+:\d+|<anonymous>)\)?$/

async function readGenerated(scratch: string): Promise<WrittenFile[]> {
  const generated = listFiles(scratch).filter(path => path.split(sep)[0] !== 'graphql')
  return Promise.all(generated.map(async path => ({ path, content: await readFile(join(scratch, path), 'utf8') })))
}
