import type { Explanation } from '../explanation.ts'
import { trustRemedy } from '../failures/network-failure.ts'
import type { Environment } from './config.ts'
import type { EnvFile } from './read-env-file.ts'

/** Reports that Node was told not to verify certificates; in `.env` the variable has no effect. */
export function findUnverifiedTls(env: Environment, envFile: EnvFile | undefined): Explanation | undefined {
  const variable = 'NODE_TLS_REJECT_UNAUTHORIZED'
  if (env[variable] !== '0' || envFile?.variables.includes(variable)) return undefined
  return {
    found: `${variable}=0 turns off the verification of server certificates, so anybody on the network path can read secrets and tokens`,
    remedy: `unset it, and ${trustRemedy}`,
  }
}
