import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Environment } from '../config/config.ts'
import { ConfigError, isError, PermanentError } from '../errors.ts'
import { withParents } from '../names/with-parents.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { findPackageManager } from './package-manager.ts'

/**
 * Whether a project's packages are installed: in its folder, in the workspace that it is in, or in Yarn's archives. Doesn't use Node's
 * resolver, which caches failures forever.
 */
export function hasPackages(folder: string): boolean {
  const has = (where: string, path: string) => existsSync(join(where, path))
  const [, ...above] = withParents(folder)
  return (
    has(folder, codegen) ||
    // Codegen alone may be that of another project.
    above.some(each => has(each, codegen) && has(each, 'node_modules/hasura-sync-worker')) ||
    withParents(folder).some(each => has(each, '.pnp.cjs'))
  )
}

const codegen = 'node_modules/@graphql-codegen/cli'

/** @throws ConfigError when another package manager installs the project's packages */
export async function requireNpm(folder: string): Promise<void> {
  const manager = await findPackageManager(folder)
  if (manager === 'npm') return
  throw new ConfigError([
    {
      found: `The packages of ${folder} are not installed, and package.json, a lock file or pnpm-workspace.yaml, there or in a folder above, names ${manager}`,
      remedy: `install the packages with ${manager}, then run this command again`,
    },
  ])
}

/**
 * Runs `npm install` in a project's folder. No install scripts run: no package needs one, and the environment may hold the account's
 * secret.
 *
 * @throws PermanentError with npm's message
 */
export async function installPackages(folder: string, env: Environment, signal: AbortSignal): Promise<void> {
  try {
    // Codegen is a development dependency, which npm leaves out where NODE_ENV is production.
    await promisify(execFile)('npm', ['install', '--include=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      env,
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    const said = isError(error) && 'stderr' in error ? String(error.stderr) : String(error)
    throw new PermanentError('npm', {
      found: `"npm install" fails in ${folder} (${quoteForeign(said)})`,
      remedy: 'make it succeed there, then run the command again',
    })
  }
}
