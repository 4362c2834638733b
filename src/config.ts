import { z } from 'zod'
import type { Account, SecretLogin } from './account.ts'
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
const supportedMethods: readonly SecretLogin['method'][] = ['client_secret_basic', 'client_secret_post']

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
  if (!(port <= 65_535)) problems.push(`PORT is ${quote(env.PORT)}: give 0 to 65535.`)
  const logLevel = env.LOG_LEVEL || 'info'
  if (!z.enum(logLevels).safeParse(logLevel).success) {
    problems.push(`LOG_LEVEL is ${quote(logLevel)}: give one of ${logLevels.join(', ')}.`)
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
    for (const [key, value] of Object.entries(settings)) {
      const variable = known.get(key)
      if (!variable) problems.push(`ACCOUNTS_FILE accounts.${index}.${key}: there is no such setting of an account.`)
      else if (typeof value !== 'string') problems.push(`ACCOUNTS_FILE accounts.${index}.${key}: must be a text.`)
      else env[variable] = value
    }
    return readAccount(name, env, variable => `ACCOUNTS_FILE accounts.${index}.${camelCase(variable)}`, problems)
  })
}

const accountVariables = [
  'OIDC_ISSUER',
  'TOKEN_URL',
  'CLIENT_ID',
  'CLIENT_SECRET',
  'CLIENT_SECRET_FILE',
  'CLIENT_AUTH',
  'SCOPE',
  'HASURA_URL',
  'HASURA_CLAIMS_NAMESPACE',
  'HASURA_CLAIMS_PATH',
  'HASURA_CLAIMS_FORMAT',
  'REFRESH_ROLE',
] as const

function readAccount(
  name: string,
  env: Environment,
  label: (variable: (typeof accountVariables)[number]) => string,
  problems: string[],
): Account | undefined {
  const found = problems.length
  const { OIDC_ISSUER: issuer, TOKEN_URL: tokenUrl, CLIENT_ID: clientId } = env
  for (const variable of ['OIDC_ISSUER', 'TOKEN_URL', 'HASURA_URL'] as const) {
    readUrl(env, variable, ['https:', 'http:'], 'https://…', problems, label(variable))
  }
  if (!issuer && !tokenUrl) {
    problems.push(
      `${label('OIDC_ISSUER')} is missing: give the realm's issuer, or the token endpoint in ${label('TOKEN_URL')}.`,
    )
  }
  if (issuer && tokenUrl)
    problems.push(`${label('OIDC_ISSUER')} and ${label('TOKEN_URL')} are both set: give one of them.`)
  if (!clientId) problems.push(`${label('CLIENT_ID')} is missing: give the client id of the service account.`)
  if (!env.CLIENT_SECRET && !env.CLIENT_SECRET_FILE) {
    problems.push(
      `${label('CLIENT_SECRET_FILE')} is missing: give the file that holds the secret, or the secret itself in ${label('CLIENT_SECRET')}.`,
    )
  }
  const method = supportedMethods.find(supported => supported === (env.CLIENT_AUTH || 'client_secret_basic'))
  if (!method) {
    problems.push(`${label('CLIENT_AUTH')} is ${quote(env.CLIENT_AUTH)}: give one of ${supportedMethods.join(', ')}.`)
  }
  const format = env.HASURA_CLAIMS_FORMAT || 'json'
  if (format !== 'json' && format !== 'stringified_json') {
    problems.push(`${label('HASURA_CLAIMS_FORMAT')} is ${quote(format)}: give json or stringified_json.`)
    return undefined
  }
  if (problems.length > found || !clientId || !method) return undefined
  return {
    name,
    login: {
      server: issuer ? { issuer } : { tokenUrl: tokenUrl ?? '' },
      clientId,
      method,
      secret: env.CLIENT_SECRET_FILE ? { file: env.CLIENT_SECRET_FILE } : { value: env.CLIENT_SECRET ?? '' },
      scopes: env.SCOPE?.split(/\s+/).filter(Boolean) ?? [],
    },
    ...(env.HASURA_URL && {
      hasura: {
        url: env.HASURA_URL,
        claims: {
          namespace: env.HASURA_CLAIMS_NAMESPACE || 'https://hasura.io/jwt/claims',
          ...(env.HASURA_CLAIMS_PATH && { path: env.HASURA_CLAIMS_PATH }),
          format,
        },
        ...(env.REFRESH_ROLE && { refreshRole: env.REFRESH_ROLE }),
      },
    }),
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

/** A value that holds no secret where it belongs, shortened should one have been put there by mistake. */
function quote(value: string | undefined): string {
  return `"${(value ?? '').slice(0, 20)}${(value?.length ?? 0) > 20 ? '…' : ''}"`
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}
