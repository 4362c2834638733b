import type { Explanation } from '../errors.ts'
import { trustRemedy } from '../failures/network-failure.ts'
import type { Environment } from './config.ts'
import type { EnvFile } from './read-env-file.ts'

/** That Node has been told to take every server for whom it says it is; in `.env` the variable has no effect. */
export function findUnverifiedTls(env: Environment, envFile: EnvFile | undefined): Explanation | undefined {
  const variable = 'NODE_TLS_REJECT_UNAUTHORIZED'
  if (env[variable] !== '0' || envFile?.variables.includes(variable)) return undefined
  return {
    found: `${variable}=0 switches the check of servers' certificates off, so whoever is between can read secrets and tokens`,
    remedy: `unset it, and ${trustRemedy}`,
  }
}
