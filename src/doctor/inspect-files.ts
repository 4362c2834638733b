import type { Account } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import { readValue } from '../config/read-value.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { combine, type Finding, ok, warn } from './check.ts'
import { inspectExposure } from './file-exposure.ts'
import { findOwnSecret, findSecretFiles, type SecretFile, type SettingsFiles } from './secret-files.ts'

/**
 * Whether others can read, change or replace what an account logs in with, or whether it differs between readers. A file that isn't
 * there is told by the login, which fails without it.
 *
 * @param settings the files that the settings are from
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
    ok(`every setting can be read${settings.envFile ? ', .env among them' : ''}`),
  )
}

export interface FileDeps {
  readonly readSecretFile: ReadSecretFile
  /** Of this process; undefined where users have no numbers. */
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

/** What nobody can know to be a mistake in a secret is told, and used as it is. */
function inspectValue(what: string, text: string): readonly Finding[] {
  const { value, oddity } = readValue(text)
  const findings: Finding[] = []
  if (value !== text) {
    findings.push(
      warn(
        `${what} has white space around its value, such as a line break at its end, which is left out here and may be taken for a part of it elsewhere`,
        `write it without, as printf %s does: printf %s "$SECRET" > FILE`,
      ),
    )
  }
  if (oddity !== undefined) {
    findings.push(warn(`${what} ${oddity}, which is taken for a part of the secret`, 'write the secret alone'))
  }
  return findings
}
