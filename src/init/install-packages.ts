import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Environment } from '../config/config.ts'
import { PermanentError } from '../errors.ts'
import { quoteForeign } from '../words/foreign-words.ts'

/** Whether a project's packages are installed. Doesn't use Node's resolver, which caches failures forever. */
export function hasPackages(folder: string): boolean {
  return existsSync(join(folder, 'node_modules/@graphql-codegen/cli'))
}

/**
 * Runs `npm install` in a project's folder. No install scripts run: no package needs one, and the environment may hold the account's
 * secret.
 *
 * @throws PermanentError with npm's message
 */
export async function installPackages(folder: string, env: Environment, signal: AbortSignal): Promise<void> {
  try {
    await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: folder,
      env,
      signal,
    })
  } catch (error) {
    signal.throwIfAborted()
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new PermanentError('npm', {
      found: `"npm install" fails in ${folder} (${quoteForeign(said)})`,
      remedy: 'make it succeed there, then run the command again',
    })
  }
}
