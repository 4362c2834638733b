import { execFile } from 'node:child_process'
import { access, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * The Python of a virtual environment with dlt, which is created once and cached; or what is missing, if Python or PyPI isn't
 * available.
 */
export async function installDlt(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const folder = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'hasura-sync-worker', 'dlt-1.31.0')
  const python = join(folder, 'bin', 'python')
  // Written last, so that an interrupted installation is repeated.
  const complete = join(folder, 'complete')
  if (await exists(complete)) return { python }
  try {
    await rm(folder, { recursive: true, force: true })
    await execute('python3', ['-m', 'venv', folder])
    await execute(python, ['-m', 'pip', 'install', '--quiet', 'dlt[postgres]==1.31.0', 'requests'])
    await writeFile(complete, '')
    return { python }
  } catch (error) {
    const [line] = String(error).split('\n')
    return { missing: `a Python with dlt 1.31 isn't available (${line})` }
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
