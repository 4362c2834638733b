import { z } from 'zod'
import type { Account } from '../account.ts'
import { ConfigError } from '../errors.ts'
import type { Told } from '../explanation.ts'
import type { Proxies } from '../outgoing/use-proxies.ts'
import { dropDiscoveryPath } from './drop-discovery-path.ts'
import { quoteValue } from './quote-value.ts'
import { accountVariables, readAccount } from './read-account.ts'
import { readAccountsFile } from './read-accounts-file.ts'
import { readAddress, readInsecureHosts } from './read-address.ts'
import { type DashboardConfig, dashboardVariables, readDashboard } from './read-dashboard.ts'
import { readDatabaseUrl } from './read-database-url.ts'
import { type HookSecrets, hookVariables, readHookSecrets } from './read-hook-secrets.ts'
import { type MetricsConfig, readMetrics, readPort } from './read-metrics.ts'
import { readProxies } from './read-proxies.ts'
import { readUrl } from './read-url.ts'
import { trimValues } from './trim-values.ts'

/** The configuration from the environment, all of it checked. */
export interface Config {
  readonly redisUrl?: string
  readonly databaseUrl?: string
  readonly dataDir: string
  readonly http: {
    readonly host: string
    readonly port: number
    readonly callers?: HttpCallers
    /** Absent if Hasura's triggers are refused. */
    readonly hookSecrets?: HookSecrets
  }
  readonly dashboard: DashboardConfig
  readonly metrics: MetricsConfig
  readonly logLevel: string
  /** Between this machine and the servers that it calls. */
  readonly proxies?: Proxies
  readonly accounts: readonly Account[]
  /** The file that defines the accounts, which a worker watches. */
  readonly accountsFile?: string
}

export const queueWithoutStore = {
  found: 'REDIS_URL is set without DATABASE_URL, so several workers would share the queue but not the store',
  remedy: 'set both or neither',
}

/** Who may make requests over TCP. */
export interface HttpCallers {
  readonly issuer: string
  /** URL of the issuer's keys; discovered when absent. */
  readonly jwksUrl?: string
  readonly audience: string
  /** The role of callers who may make and get requests. */
  readonly role: string
  /** The role of those who may see everything that the commands list; nobody may when absent. */
  readonly viewRole?: string
  /** The role of those who may do everything that HTTP serves; nobody may when absent. */
  readonly operateRole?: string
  /** HTTP requests per minute, caller and process. */
  readonly requestsPerMinute?: number
  /** Hosts whose keys may be fetched over plain http. */
  readonly insecureHosts?: readonly string[]
}

export type Environment = Readonly<Record<string, string | undefined>>

/** The variables that don't belong to one account. */
export const settingVariables = [
  'REDIS_URL',
  'DATABASE_URL',
  'DATA_DIR',
  'HOST',
  'PORT',
  'METRICS_HOST',
  'METRICS_PORT',
  'METRICS_ACCOUNTS',
  'LOG_LEVEL',
  'ACCOUNTS_FILE',
  'HTTP_ISSUER',
  'HTTP_JWKS_URL',
  'HTTP_AUDIENCE',
  'HTTP_ROLE',
  'HTTP_VIEW_ROLE',
  'HTTP_OPERATE_ROLE',
  'HTTP_REQUESTS_PER_MINUTE',
  ...hookVariables,
  ...dashboardVariables,
  'ALLOW_INSECURE_HOSTS',
] as const
type Settings = Readonly<Partial<Record<(typeof settingVariables)[number], string>>>

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const

/**
 * @param accountsFile the parsed content of `ACCOUNTS_FILE`, if any
 * @throws ConfigError with every problem, each with the name of its variable
 */
export function parseConfig(env: Environment, accountsFile?: unknown): Config {
  const problems: Told[] = []
  const values = trimValues(settingVariables, env, name => name, problems)
  const insecureHosts = readInsecureHosts(values.ALLOW_INSECURE_HOSTS, problems)
  const settings = readSettings(values, insecureHosts, problems)
  const proxies = readProxies(env, problems)
  const beside = accountVariables.filter(variable => env[variable]?.trim())
  if (accountsFile !== undefined && beside.length > 0) {
    problems.push({
      found: `${beside.join(', ')} would have no effect, because ACCOUNTS_FILE is set`,
      remedy: 'move them into the file, or unset them',
    })
  }
  const accounts =
    accountsFile === undefined
      ? [readAccount('default', env, name => name, insecureHosts, problems)]
      : readAccountsFile(accountsFile, insecureHosts, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  const known = accounts.filter(account => account !== undefined)
  return Object.freeze({ ...settings, ...(proxies && { proxies }), accounts: known })
}

function readSettings(env: Settings, insecureHosts: readonly string[], problems: Told[]): Omit<Config, 'accounts'> {
  const redisUrl = readUrl(env.REDIS_URL, ['redis:', 'rediss:'], 'redis://localhost:6379/0', 'REDIS_URL', problems)
  const databaseUrl = readDatabaseUrl(env.DATABASE_URL, problems)
  if (redisUrl && !/^\/?\d*$/.test(new URL(redisUrl).pathname)) {
    problems.push({
      found: 'REDIS_URL names a database that is not a number',
      remedy: 'end it with /0, or after the port',
    })
  }
  // Other clients read them there; without them, this would be database 0, perhaps of another application.
  const names = redisUrl ? [...new URL(redisUrl).searchParams.keys()] : []
  if (names.some(name => /^(?:db|database|user|username|password)$/i.test(name))) {
    problems.push({
      found: 'REDIS_URL names a database, a user or a password behind a "?", where they have no effect',
      remedy: 'write them as in redis://user:password@host:6379/1',
    })
  }
  if (env.REDIS_URL && !env.DATABASE_URL) problems.push(queueWithoutStore)
  const host = env.HOST || '127.0.0.1'
  const port = readPort(env.PORT || '8088', 'PORT', problems)
  const dashboard = readDashboard(env, { host, insecureHosts }, problems)
  const metrics = readMetrics(env, host, problems)
  const logLevel = env.LOG_LEVEL || 'info'
  if (!z.enum(logLevels).safeParse(logLevel).success) {
    problems.push({ found: `LOG_LEVEL is ${quoteValue(logLevel)}`, remedy: `set it to one of ${logLevels.join(', ')}` })
  }
  const callers = readCallers(env, insecureHosts, problems)
  const hookSecrets = readHookSecrets(env, problems)
  return {
    ...(redisUrl && { redisUrl }),
    ...(databaseUrl && { databaseUrl }),
    dataDir: env.DATA_DIR || '.data',
    http: { host, port, ...(callers && { callers }), ...(hookSecrets && { hookSecrets }) },
    dashboard,
    metrics,
    logLevel,
    ...(env.ACCOUNTS_FILE && { accountsFile: env.ACCOUNTS_FILE }),
  }
}

function readCallers(env: Settings, insecureHosts: readonly string[], problems: Told[]): HttpCallers | undefined {
  const issuer = dropDiscoveryPath(env.HTTP_ISSUER)
  const { HTTP_JWKS_URL: jwksUrl, HTTP_AUDIENCE: audience, HTTP_ROLE: role } = env
  const { HTTP_VIEW_ROLE: viewRole, HTTP_OPERATE_ROLE: operateRole, HTTP_REQUESTS_PER_MINUTE: perMinute } = env
  if (!issuer && !jwksUrl && !audience && !role && !viewRole && !operateRole && !perMinute) return undefined
  const plainHttp = { insecureHosts }
  // With configured keys nothing is fetched from the issuer: it is only a name.
  readAddress(issuer, 'HTTP_ISSUER', jwksUrl ? {} : { plainHttp }, problems)
  readAddress(jwksUrl, 'HTTP_JWKS_URL', { plainHttp, hasQuery: true }, problems)
  if (perMinute && !/^[1-9]\d{0,8}$/.test(perMinute)) {
    problems.push({
      found: `HTTP_REQUESTS_PER_MINUTE is ${quoteValue(perMinute)}`,
      remedy: 'give a whole number of 1 or more',
    })
  }
  if (issuer && audience && role) {
    const trusted = insecureHosts.length > 0 ? { insecureHosts } : {}
    return {
      issuer,
      ...(jwksUrl && { jwksUrl }),
      audience,
      role,
      ...(viewRole && { viewRole }),
      ...(operateRole && { operateRole }),
      ...(perMinute && { requestsPerMinute: Number(perMinute) }),
      ...trusted,
    }
  }
  const missing = Object.entries({ HTTP_ISSUER: issuer, HTTP_AUDIENCE: audience, HTTP_ROLE: role })
  for (const [name] of missing.filter(([, value]) => !value)) {
    problems.push({
      found: `${name} is missing`,
      remedy: 'set all of HTTP_ISSUER, HTTP_AUDIENCE and HTTP_ROLE to allow requests over HTTP, or none of them',
    })
  }
  return undefined
}
