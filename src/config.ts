import { z } from 'zod'
import type { Account } from './account.ts'
import { quoteValue } from './config/quote-value.ts'
import { accountJobsKeys, readAccountJobs } from './config/read-account-jobs.ts'
import { claimsVariables, readClaimsLocation } from './config/read-claims-location.ts'
import { loginVariables, readLogin } from './config/read-login.ts'
import { ConfigError } from './errors.ts'

/** Everything that the environment says, checked at once. */
export interface Config {
  readonly redisUrl?: string
  readonly databaseUrl?: string
  readonly dataDir: string
  readonly http: { readonly host: string; readonly port: number; readonly callers?: HttpCallers }
  readonly logLevel: string
  readonly accounts: readonly Account[]
}

export const queueWithoutStore =
  'REDIS_URL is set and DATABASE_URL is not: several workers would share the queue but not the store, so give both or neither.'

/** Who may ask for jobs over TCP. */
export interface HttpCallers {
  readonly issuer: string
  readonly audience: string
  readonly role: string
}

export type Environment = Readonly<Record<string, string | undefined>>

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/**
 * @param accountsFile the parsed content of `ACCOUNTS_FILE`, when there is one
 * @throws ConfigError with every problem, each by the name of its variable
 */
export function parseConfig(env: Environment, accountsFile?: unknown): Config {
  const problems: string[] = []
  const settings = readSettings(env, problems)
  const beside = accountVariables.filter(variable => env[variable])
  if (accountsFile !== undefined && beside.length > 0) {
    problems.push(
      `${beside.join(', ')} beside ACCOUNTS_FILE would mean nothing: move them into the file, or unset them.`,
    )
  }
  const accounts =
    accountsFile === undefined
      ? [readAccount('default', env, name => name, problems)]
      : readAccountsFile(accountsFile, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze({ ...settings, accounts: accounts.filter(account => account !== undefined) })
}

function readSettings(env: Environment, problems: string[]): Omit<Config, 'accounts'> {
  const redisUrl = readUrl(env, 'REDIS_URL', ['redis:', 'rediss:'], 'redis://localhost:6379/0', problems)
  const databaseUrl = readUrl(
    env,
    'DATABASE_URL',
    ['postgres:', 'postgresql:'],
    'postgres://user@localhost/db',
    problems,
  )
  if (redisUrl && !/^\/?\d*$/.test(new URL(redisUrl).pathname)) {
    problems.push('REDIS_URL names a database that is no number: end it with /0, or with nothing behind the port.')
  }
  if (env.REDIS_URL && !env.DATABASE_URL) problems.push(queueWithoutStore)
  const port = /^\d{1,5}$/.test(env.PORT || '8088') ? Number(env.PORT || '8088') : Number.NaN
  if (!(port <= 65_535)) problems.push(`PORT is ${quoteValue(env.PORT)}: give 0 to 65535.`)
  const logLevel = env.LOG_LEVEL || 'info'
  if (!z.enum(logLevels).safeParse(logLevel).success) {
    problems.push(`LOG_LEVEL is ${quoteValue(logLevel)}: give one of ${logLevels.join(', ')}.`)
  }
  const callers = readCallers(env, problems)
  return {
    ...(redisUrl && { redisUrl }),
    ...(databaseUrl && { databaseUrl }),
    dataDir: env.DATA_DIR || '.data',
    http: { host: env.HOST || '127.0.0.1', port, ...(callers && { callers }) },
    logLevel,
  }
}

function readCallers(env: Environment, problems: string[]): HttpCallers | undefined {
  const { HTTP_ISSUER: issuer, HTTP_AUDIENCE: audience, HTTP_ROLE: role } = env
  if (!issuer && !audience && !role) return undefined
  if (issuer && audience && role) {
    readUrl(env, 'HTTP_ISSUER', ['https:', 'http:'], 'https://keycloak.example/realms/wiki', problems)
    return { issuer, audience, role }
  }
  const missing = Object.entries({ HTTP_ISSUER: issuer, HTTP_AUDIENCE: audience, HTTP_ROLE: role })
  for (const [name] of missing.filter(([, value]) => !value)) {
    problems.push(
      `${name} is missing: requests over HTTP need HTTP_ISSUER, HTTP_AUDIENCE and HTTP_ROLE, or none of them.`,
    )
  }
  return undefined
}

const accountName = z
  .string('must be a text')
  .regex(
    /^[a-z0-9][a-z0-9_-]*$/i,
    'must be letters, digits, dashes and underscores, and begin with a letter or a digit',
  )
const accountsFileSchema = z.strictObject(
  {
    accounts: z
      .array(z.record(z.string(), z.unknown(), 'must be the settings of one account'), 'must be a list of accounts')
      .min(1, 'must hold an account'),
  },
  { error: issue => (issue.code === 'invalid_type' ? 'must be an object with a list `accounts`' : undefined) },
)

function readAccountsFile(content: unknown, problems: string[]): (Account | undefined)[] {
  const parsed = accountsFileSchema.safeParse(content)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      problems.push(`ACCOUNTS_FILE ${issue.path.join('.') || 'as a whole'}: ${lowerFirst(issue.message)}.`)
    }
    return []
  }
  const names = new Set<string>()
  return parsed.data.accounts.map(({ name: given, ...settings }, index) => {
    const { data: name = '', error } = accountName.safeParse(given)
    if (error) problems.push(`ACCOUNTS_FILE accounts.${index}.name: ${error.issues[0]?.message}.`)
    else if (names.has(name)) problems.push(`ACCOUNTS_FILE accounts.${index}.name: "${name}" stands twice.`)
    names.add(name)
    const known = new Map(accountVariables.map(variable => [camelCase(variable), variable]))
    const env: Record<string, string> = {}
    for (const [key, value] of Object.entries(settings).filter(([name]) => !accountJobsKeys.includes(name))) {
      const variable = known.get(key)
      if (!variable) problems.push(`ACCOUNTS_FILE accounts.${index}.${key}: there is no such setting of an account.`)
      else if (typeof value === 'string') env[variable] = value
      else if (variable === 'ALLOW_INSECURE_ISSUER' || variable === 'HASURA_CLAIMS_MAP') {
        env[variable] = JSON.stringify(value)
      } else problems.push(`ACCOUNTS_FILE accounts.${index}.${key}: must be a text.`)
    }
    const label = `ACCOUNTS_FILE accounts.${index}`
    const account = readAccount(name, env, variable => `${label}.${camelCase(variable)}`, problems)
    const own = readAccountJobs(settings, label, problems)
    return account && { ...account, ...own }
  })
}

const accountVariables = [...loginVariables, 'HASURA_URL', ...claimsVariables, 'REFRESH_ROLE', 'API_BASE_URL'] as const

function readAccount(
  name: string,
  env: Environment,
  label: (variable: (typeof accountVariables)[number]) => string,
  problems: string[],
): Account | undefined {
  const found = problems.length
  for (const variable of ['OIDC_ISSUER', 'TOKEN_URL', 'HASURA_URL', 'API_BASE_URL'] as const) {
    readUrl(env, variable, ['https:', 'http:'], 'https://…', problems, label(variable))
  }
  const login = readLogin(env, label, problems)
  const claims = readClaimsLocation(env, label, problems)
  if (problems.length > found || !login || !claims) return undefined
  const { HASURA_URL: url, REFRESH_ROLE: refreshRole, API_BASE_URL: baseUrl } = env
  return {
    name,
    login,
    ...(url && { hasura: { url, claims, ...(refreshRole && { refreshRole }) } }),
    ...(baseUrl && { api: { baseUrl } }),
  }
}

/** Never repeats the value, which may hold a password. */
function readUrl(
  env: Environment,
  variable: string,
  protocols: readonly string[],
  example: string,
  problems: string[],
  label = variable,
): string | undefined {
  const value = env[variable]
  if (!value) return undefined
  const url = URL.parse(value)
  if (url && protocols.includes(url.protocol) && url.hostname) {
    if (isDecodable(url)) return value
    problems.push(`${label} has a % in its user name or password that is no escape: write it as %25.`)
    return undefined
  }
  problems.push(
    `${label} is not a URL of the kind ${example}: it must begin with ${protocols.map(p => `${p}//`).join(' or ')}.`,
  )
  return undefined
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

/** CLIENT_SECRET_FILE → clientSecretFile */
function camelCase(variable: string): string {
  return variable.toLowerCase().replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase())
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
