import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { bareEnvironment } from '../../fixtures/bare-environment.ts'
import { mainPath } from '../../fixtures/wiki-project.ts'
import { demoProject } from './demo-project.ts'

const execute = promisify(execFile)

/** Runs one command as `npm run -s cli -- …` does. @returns what it wrote to stdout */
export async function runCommand(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<string> {
  const { stdout } = await execute(process.execPath, [mainPath, ...words], {
    cwd: demoProject.folder,
    env: { ...bareEnvironment, ...environment },
    signal,
  })
  return stdout
}
