import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { listFile } from '../add/register-job.ts'
import { findContent, listFiles, type WrittenFile, writeFiles } from '../add/write-files.ts'
import { type EngineManifest, readEngineManifest } from './engine-package.ts'
import { findUnignored } from './find-unignored.ts'
import { findPackageManager, hasOwnShell } from './package-manager.ts'
import { renderManifest } from './project-manifest.ts'
import { warnOfPlace } from './warn-of-place.ts'

export interface InitializedProject {
  /** Paths relative to the project's folder. */
  readonly written: readonly string[]
  /** What existed and was not changed. */
  readonly leftAlone: readonly string[]
  /** What an addition means for the files that exist, and what a written file doesn't suit. */
  readonly warnings: readonly string[]
}

/**
 * Writes a project into a folder, which may have files: none is overwritten, and package.json only gets additions.
 *
 * @param engineFolder folder of the engine's package, which holds the templates
 * @param folder created if it doesn't exist
 */
export async function initProject(engineFolder: URL, folder: string): Promise<InitializedProject> {
  const engine = await readEngineManifest(engineFolder)
  const templates = await readTemplates(engineFolder)
  const existing = await findContent(join(folder, 'package.json'))
  const manager = await findPackageManager(folder)
  const hasExec = !(await hasOwnShell(folder, manager))
  const manifest = renderManifest(engine, nameOf(folder, engine), existing, hasExec)
  const missing: WrittenFile[] = []
  const present: string[] = []
  const unignored: string[] = []
  for (const file of templates) {
    const found = await findContent(join(folder, file.path))
    if (found === undefined) missing.push(file)
    // Git may have checked it out with the line ends of Windows.
    else if (found.replaceAll('\r\n', '\n') !== file.content && !changesWithJobs(file.path)) present.push(file.path)
    if (file.path === '.gitignore') unignored.push(...findUnignored(file.content, found ?? file.content))
  }
  if (manifest.content !== existing) missing.push({ path: 'package.json', content: manifest.content })
  await writeFiles(folder, missing)
  return {
    written: missing.map(({ path }) => path).toSorted(),
    leftAlone: [...present.toSorted(), ...manifest.leftAlone],
    warnings: [
      ...(manifest.warning === undefined ? [] : [manifest.warning]),
      ...(await warnOfPlace(folder, manager, { written: missing, builds: Object.keys(engine.allowScripts) })),
      ...(unignored.length > 0 ? [`.gitignore lacks ${unignored.join(', ')}: ${whyIgnored}`] : []),
    ],
  }
}

const whyIgnored =
  'add them unless other lines cover them, so that no secret and no mirrored row gets into the repository'

/** The list of jobs and codegen's output, which differ as soon as the project has a job. */
function changesWithJobs(path: string): boolean {
  return path === listFile || path.startsWith('src/generated/')
}

/** Under their own names, npm omits these from a package or uses them itself. */
const dotFiles: Readonly<Record<string, string>> = { gitignore: '.gitignore', dockerignore: '.dockerignore' }

async function readTemplates(engineFolder: URL): Promise<readonly WrittenFile[]> {
  const folder = fileURLToPath(new URL('templates/project/', engineFolder))
  const files = listFiles(folder).map(async path => ({
    path: dotFiles[path] ?? path,
    content: await readFile(join(folder, path), 'utf8'),
  }))
  const environment = await readFile(new URL('.env.example', engineFolder), 'utf8')
  return [...(await Promise.all(files)), { path: '.env.example', content: environment }]
}

/** A valid package name, and not that of a package that the project depends on, such as where the folder is called as the engine. */
function nameOf(folder: string, { dependencies, devDependencies }: EngineManifest): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  const isTaken = ['hasura-sync-worker', ...Object.keys({ ...dependencies, ...devDependencies })].includes(name)
  return name === '' ? 'sync-worker' : isTaken ? `${name}-jobs` : name
}
