import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import type { WrittenFile } from '../add/write-files.ts'
import { findJson } from '../json/parse-json.ts'
import { withParents } from '../names/with-parents.ts'
import { includesFolder } from './includes-folder.ts'
import { commandOf, type PackageManager } from './package-manager.ts'

const workflow = '.github/workflows/check.yml'

/**
 * What the files that `init` has written don't suit, where the project lies: another package manager, a workspace, a folder of a
 * repository, a program that compiles it.
 *
 * @param builds packages that have an install script, which no project needs
 */
export async function warnOfPlace(
  folder: string,
  manager: PackageManager,
  { written, builds }: { readonly written: readonly WrittenFile[]; readonly builds: readonly string[] },
): Promise<readonly string[]> {
  const warnings: string[] = []
  const [, ...above] = withParents(folder)
  const workspace = await findWorkspace(above)
  const has = (path: string): boolean => written.some(file => file.path === path)
  if (has('package.json') && manager !== 'npm') {
    if (manager === 'pnpm') warnings.push(...(await warnOfBuilds(withParents(folder), builds)))
    warnings.push(
      `Where documents run a command with npm, use "${commandOf(manager)} <command>": npm refuses a project whose devEngines names another package manager`,
    )
  }
  const installing = written.filter(({ content }) => content.includes('npm ci')).map(({ path }) => path)
  if (installing.length > 0 && manager !== 'npm') {
    warnings.push(
      `${installing.toSorted().join(' and ')} install with npm: change them to ${manager}, and .dockerignore to let its lock file through`,
    )
  }
  if (has('Dockerfile') && workspace !== undefined) {
    warnings.push(
      `If the project is a member of the workspace in ${workspace}, its lock file is there: build the image from there, or let the Dockerfile copy it`,
    )
  }
  const repository = withParents(folder).find(each => existsSync(join(each, '.git')))
  if (has('tsconfig.json')) warnings.push(...(await warnOfCompiler(folder, above)))
  if (has(workflow) && repository !== undefined && repository !== folder) {
    warnings.push(
      `GitHub runs only workflows at the top of the repository: move ${workflow} to ${join(repository, workflow)}, and let its commands run in ${relative(repository, folder)}`,
    )
  }
  return warnings
}

/** A program around the project may compile it as well, such as one of Next.js, whose tsconfig.json includes every file below it. */
async function warnOfCompiler(folder: string, above: readonly string[]): Promise<readonly string[]> {
  const outer = above.find(each => existsSync(join(each, 'tsconfig.json')))
  if (outer === undefined) return []
  const path = relative(outer, folder)
  const file = join(outer, 'tsconfig.json')
  if (!includesFolder(await readFile(file, 'utf8').catch(() => ''), path)) return []
  return [
    `A compiler that reads ${file}, as "next build" does, also checks ${path}, which needs the settings of its own tsconfig.json: add "${path}" to "exclude" there`,
  ]
}

/** pnpm doesn't read `allowScripts`, and ends an installation with an error if a package has a script of which nobody has decided. */
async function warnOfBuilds(folders: readonly string[], builds: readonly string[]): Promise<readonly string[]> {
  const file = folders.map(each => join(each, 'pnpm-workspace.yaml')).find(path => existsSync(path))
  const content = file === undefined ? '' : await readFile(file, 'utf8')
  const undecided = builds.filter(name => !content.includes(name))
  if (undecided.length === 0) return []
  const setting = `allowBuilds: { ${undecided.map(name => `${name}: false`).join(', ')} }`
  return [
    `Put "${setting}" into ${file ?? 'pnpm-workspace.yaml'}: else "pnpm install" ends with ERR_PNPM_IGNORED_BUILDS`,
  ]
}

const workspaceSchema = z.object({ workspaces: z.unknown() }).refine(({ workspaces }) => workspaces !== undefined)

/** The closest folder that is the root of a workspace. */
async function findWorkspace(folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    if (existsSync(join(folder, 'pnpm-workspace.yaml'))) return folder
    const manifest = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '')
    if (workspaceSchema.safeParse(findJson(manifest)).success) return folder
  }
  return undefined
}
