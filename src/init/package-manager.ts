import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { findJson } from '../json/parse-json.ts'
import { withParents } from '../names/with-parents.ts'

const names = ['npm', 'pnpm', 'yarn', 'bun'] as const
export type PackageManager = (typeof names)[number]

const files = [
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['pnpm-workspace.yaml', 'pnpm'],
] as const

const manifestSchema = z.union([
  // As Corepack reads it, such as `pnpm@10.2.0`.
  z
    .object({
      packageManager: z
        .string()
        .transform(text => text.split('@')[0])
        .pipe(z.enum(names)),
    })
    .transform(({ packageManager }) => packageManager),
  z
    .object({ devEngines: z.object({ packageManager: z.object({ name: z.enum(names) }) }) })
    .transform(({ devEngines }) => devEngines.packageManager.name),
])

/** What installs the packages of a folder's project, or of the workspace that it is in. */
export async function findPackageManager(folder: string): Promise<PackageManager> {
  for (const each of withParents(folder)) {
    const manifest = await readFile(join(each, 'package.json'), 'utf8').catch(() => '')
    const told = manifestSchema.safeParse(findJson(manifest))
    if (told.success) return told.data
    const [, name] = files.find(([file]) => existsSync(join(each, file))) ?? []
    if (name) return name
  }
  return 'npm'
}

/** Whether it runs scripts in a shell of its own, which has no `exec`: Yarn always does, pnpm with the setting `shellEmulator`. */
export async function hasOwnShell(folder: string, manager: PackageManager): Promise<boolean> {
  if (manager !== 'pnpm') return manager === 'yarn'
  const paths = withParents(folder).flatMap(each => [join(each, 'pnpm-workspace.yaml'), join(each, '.npmrc')])
  const settings = await Promise.all(paths.map(path => readFile(path, 'utf8').catch(() => '')))
  return settings.some(text => /^shell-?emulator\s*[:=]\s*true\b/im.test(text))
}

/** How the manager runs the project's commands. */
export function commandOf(manager: PackageManager): string {
  return manager === 'npm' ? 'npm run -s cli --' : `${manager} run cli`
}
