import type { Account, Login } from '../account.ts'
import type { Environment } from '../config/config.ts'
import type { EnvFile } from '../config/read-env-file.ts'
import { variableOfSetting } from '../config/setting-name.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { findSetting, settingNamesOf } from '../definitions/job-settings.ts'
import type { GuardedFile } from './file-exposure.ts'

export interface SecretFile extends GuardedFile {
  /** Whether it holds a single value, which a reader that doesn't trim would read with its line break. */
  readonly isValue: boolean
}

export interface SettingsFiles {
  /** The accounts file that defines the account, if any. */
  readonly accountsFile: string | undefined
  readonly envFile: EnvFile | undefined
  readonly env: Environment
}

/** Finds the files that hold an account's secrets, and those that set where secrets are sent. */
export function findSecretFiles(
  { login, settings = {} }: Pick<Account, 'login' | 'settings'>,
  jobs: readonly Pick<JobDefinition, 'settings'>[],
  files: SettingsFiles,
): readonly SecretFile[] {
  return [
    ...findLoginFiles(login),
    ...findOwnFiles(login, settings, files),
    ...findNamedFiles(files.env),
    ...findSettingFiles(settings, jobs, files.env),
  ]
}

/** Finds a secret that is set directly rather than by file. */
export function findOwnSecret(login: Login): readonly string[] {
  return 'secret' in login && login.secret !== undefined && 'value' in login.secret ? [login.secret.value] : []
}

/** Who can change one of these files can redirect a secret to another address. */
function findOwnFiles(
  login: Login,
  settings: Readonly<Record<string, string>>,
  { accountsFile, envFile, env }: SettingsFiles,
): readonly SecretFile[] {
  const inAccounts = findOwnSecret(login).length > 0 || Object.keys(settings).some(isSecretSetting)
  const inEnv = envFile?.variables.some(name => holdsSecret(name, env[name])) ?? false
  return [
    ...(accountsFile === undefined ? [] : [describeOwn('ACCOUNTS_FILE', accountsFile, inAccounts)]),
    ...(envFile === undefined ? [] : [describeOwn('.env', envFile.path, inEnv)]),
  ]
}

function describeOwn(name: string, path: string, isSecret: boolean): SecretFile {
  return { what: isSecret ? `${name}, which holds the secret,` : name, path, isSecret, isValue: false }
}

const secretVariable = /(?:^|_)(?:SECRET|TOKEN|PASSWORD|CREDENTIALS?|KEY)(?:_|$)/
const isAbout = /_(?:FILE|ID|URL)$/

function holdsSecret(name: string, value: string | undefined): boolean {
  if (URL.canParse(value ?? '')) return new URL(value ?? '').password !== ''
  return secretVariable.test(name) && !isAbout.test(name)
}

function isSecretSetting(name: string): boolean {
  return holdsSecret(variableOfSetting(name), undefined)
}

function findLoginFiles(login: Login): readonly SecretFile[] {
  switch (login.method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return secretFile(login.secret)
    case 'private_key_jwt':
    case 'tls_client_auth':
      return [secret('the key file', login.keyFile, false)]
    case 'password':
      return [secret('the password file', login.passwordFile, true), ...(login.secret ? secretFile(login.secret) : [])]
  }
}

function secretFile(found: { readonly file: string } | { readonly value: string }): readonly SecretFile[] {
  return 'file' in found ? [secret('the secret file', found.file, true)] : []
}

function secret(what: string, path: string, isValue: boolean): SecretFile {
  return { what, path, isSecret: true, isValue }
}

const namedFiles = [
  'HOOK_SECRET_FILE',
  'HOOK_PREVIOUS_SECRET_FILE',
  'KEYCLOAK_ADMIN_CLIENT_SECRET_FILE',
  'KEYCLOAK_ADMIN_PASSWORD_FILE',
] as const

function findNamedFiles(env: Environment): readonly SecretFile[] {
  return namedFiles.flatMap(name => {
    const path = env[name]?.trim()
    return path ? [secret(name, path, true)] : []
  })
}

function findSettingFiles(
  settings: Readonly<Record<string, string>>,
  jobs: readonly Pick<JobDefinition, 'settings'>[],
  env: Environment,
): readonly SecretFile[] {
  return [...settingNamesOf(jobs)].flatMap(name => {
    const place = findSetting(name, { settings }, env)
    return place && 'path' in place ? [secret(place.label, place.path, false)] : []
  })
}
