import type { Explanation } from '../explanation.ts'
import type { Environment } from './config.ts'
import { findMisspelled } from './find-misspelled.ts'
import { accountVariables } from './read-account.ts'
import type { EnvFile } from './read-env-file.ts'

/**
 * What explains a wrong configuration that looks right: a name is misspelt, `.env` is in another folder, or the environment hides it.
 *
 * @param folder in which `.env` was looked for
 */
export function explainEnvironment(
  env: Environment,
  envFile: EnvFile | undefined,
  folder: string,
): readonly Explanation[] {
  if (envFile) {
    const hidden = envFile.hidden.map(name => ({
      found: `${name} is empty in the environment, which takes precedence over .env`,
      remedy: 'unset it there',
    }))
    return [...findMisspelled(env), ...hidden]
  }
  const misspelled = findMisspelled(env)
  if (misspelled.length > 0) return misspelled
  if ([...accountVariables, 'ACCOUNTS_FILE'].some(name => env[name])) return []
  return [{ found: `${folder} has no .env`, remedy: "run the command in the project's folder, if yours is there" }]
}
