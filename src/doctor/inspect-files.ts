import { stat } from 'node:fs/promises'
import type { Login } from '../account.ts'
import type { ReadSecretFile } from '../auth/read-credential-file.ts'
import type { EnvFile } from '../config/read-env-file.ts'
import { readValue } from '../read-value.ts'
import { combine, type Finding, ok, warn } from './check.ts'

interface SecretFile {
  /** How a sentence calls it. */
  readonly what: string
  readonly path: string
  /** A single value, of which a line break would be a part for a reader that doesn't trim. */
  readonly isValue: boolean
}

/**
 * Whether what an account logs in with is readable by others, or differs between readers. A file that isn't there is told by the
 * login, which fails without it.
 *
 * @param settings the files that the settings are from
 */
export async function inspectFiles(
  login: Login,
  settings: SettingsFiles,
  readSecretFile: ReadSecretFile,
): Promise<Finding> {
  const files = [...findSecretFiles(login), ...findSettingsFiles(login, settings)]
  const findings = await Promise.all(files.map(file => inspectFile(file, readSecretFile)))
  const own = findOwnSecret(login).flatMap(secret => inspectValue('CLIENT_SECRET', secret))
  return combine(
    [...own, ...findings.flat()],
    ok(`every setting can be read${settings.envFile ? ', .env among them' : ''}`),
  )
}

export interface SettingsFiles {
  /** Where the account stands, when it stands in one. */
  readonly accountsFile: string | undefined
  readonly envFile: EnvFile | undefined
}

/** The secret that a setting holds itself, if one does. */
function findOwnSecret(login: Login): readonly string[] {
  return 'secret' in login && login.secret !== undefined && 'value' in login.secret ? [login.secret.value] : []
}

/** Those that hold a secret themselves. */
function findSettingsFiles(login: Login, { accountsFile, envFile }: SettingsFiles): readonly SecretFile[] {
  if (findOwnSecret(login).length === 0) return []
  if (accountsFile !== undefined) {
    return [{ what: 'ACCOUNTS_FILE, which holds the secret,', path: accountsFile, isValue: false }]
  }
  if (!envFile?.variables.includes('CLIENT_SECRET')) return []
  return [{ what: '.env, which holds the secret,', path: envFile.path, isValue: false }]
}

function findSecretFiles(login: Login): readonly SecretFile[] {
  switch (login.method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return secretFile(login.secret)
    case 'private_key_jwt':
    case 'tls_client_auth':
      return [{ what: 'the key file', path: login.keyFile, isValue: false }]
    case 'password':
      return [
        { what: 'the password file', path: login.passwordFile, isValue: true },
        ...(login.secret ? secretFile(login.secret) : []),
      ]
  }
}

function secretFile(secret: { readonly file: string } | { readonly value: string }): readonly SecretFile[] {
  return 'file' in secret ? [{ what: 'the secret file', path: secret.file, isValue: true }] : []
}

/** Others may read it. */
const readableByAll = 0o004

async function inspectFile({ what, path, isValue }: SecretFile, read: ReadSecretFile): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  try {
    const { mode } = await stat(path)
    if ((mode & readableByAll) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      findings.push(
        warn(`${what} ${path} can be read by every user of this machine (mode ${octal})`, `chmod 600 ${path}`),
      )
    }
    if (isValue) findings.push(...inspectValue(`${what} ${path}`, await read(path)))
  } catch {
    return findings
  }
  return findings
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
