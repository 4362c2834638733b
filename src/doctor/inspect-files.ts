import type { Account } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { readValue } from '../config/read-value.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { combine, type Finding, ok, warn } from './check.ts'
import { inspectExposure } from './file-exposure.ts'
import { findOwnSecret, findSecretFiles, type SecretFile, type SettingsFiles } from './secret-files.ts'

/**
 * Checks whether other users can read, change or replace an account's credentials, and whether programs may read them differently.
 * A missing file is reported by the login, which fails without it.
 *
 * @param settings the files that the settings come from
 */
export async function inspectFiles(
  account: Pick<Account, 'login' | 'settings'>,
  jobs: readonly Pick<JobDefinition, 'settings'>[],
  settings: SettingsFiles,
  deps: FileDeps,
): Promise<Finding> {
  const files = findSecretFiles(account, jobs, settings)
  const findings = await Promise.all(files.map(file => inspectFile(file, deps)))
  const own = findOwnSecret(account.login).flatMap(secret => inspectValue('CLIENT_SECRET', secret))
  return combine(
    [...own, ...findings.flat()],
    ok(`all settings are readable${settings.envFile ? ', including .env' : ''}`),
  )
}

export interface FileDeps {
  readonly readSecretFile: ReadSecretFile
  /** Numeric user id of this process; undefined on systems without one. */
  readonly uid: number | undefined
}

async function inspectFile(file: SecretFile, { readSecretFile, uid }: FileDeps): Promise<readonly Finding[]> {
  const { what, path, isValue } = file
  try {
    const findings = await inspectExposure(file, uid)
    return isValue ? [...findings, ...inspectValue(`${what} ${path}`, await readSecretFile(path))] : findings
  } catch {
    return []
  }
}

/** Warns about oddities that may be intended: the secret is used as it is. */
function inspectValue(what: string, text: string): readonly Finding[] {
  const { value, oddity } = readValue(text)
  const findings: Finding[] = []
  if (value !== text) {
    findings.push(
      warn(
        `${what} has white space around its value, such as a trailing line break, which is trimmed here but may count as a part of it elsewhere`,
        `write the file without it: printf %s "$SECRET" > FILE`,
      ),
    )
  }
  if (oddity !== undefined) {
    findings.push(warn(`${what} ${oddity}, which counts as a part of the secret`, 'write only the secret'))
  }
  return findings
}
