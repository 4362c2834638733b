import type { Account } from '../account.ts'
import type { Claims } from '../auth/claims.ts'
import { findDeprecation } from '../auth/find-deprecation.ts'
import type { HasuraClaims } from '../auth/hasura-claims.ts'
import type { Token } from '../auth/token.ts'
import type { Environment } from '../config/config.ts'
import { findMisspelled } from '../config/find-misspelled.ts'
import { findTlsProblems } from '../config/find-tls-problems.ts'
import type { EnvFile } from '../config/read-env-file.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { settingNamesOf } from '../definitions/job-settings.ts'
import { ConfigError, RefusalError, WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { type AccountAccess, createAccountAccess } from '../gate/account-access.ts'
import { explainOtherFingerprint, fingerprintOf } from '../gate/account-record.ts'
import { needsOf } from '../gate/find-unused-grants.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import type { Clock } from '../time/clock.ts'
import {
  arrange,
  type CheckId,
  checkIds,
  combine,
  type Diagnosis,
  type Finding,
  failWith,
  ok,
  skip,
  warnWith,
} from './check.ts'
import { inspectApi } from './inspect-api.ts'
import { inspectCertificate } from './inspect-certificate.ts'
import { inspectClaims, noHasura } from './inspect-claims.ts'
import { inspectContract } from './inspect-contract.ts'
import { inspectFiles } from './inspect-files.ts'
import { type FirstLoginRecord, inspectFirstLogin } from './inspect-first-login.ts'
import { inspectHasura } from './inspect-hasura.ts'
import { inspectLifetime } from './inspect-lifetime.ts'
import { inspectLive } from './inspect-live.ts'
import { inspectRequirements } from './inspect-requirements.ts'

export interface DoctorDeps {
  readonly clock: Clock
  readonly readSecretFile: (path: string) => Promise<string>
  /** Folder of the committed SDL of each role. */
  readonly schemaFolder: URL
  /** Numeric user id of this process; undefined on systems without one, such as Windows. */
  readonly uid: number | undefined
  readonly env: Environment
  /** The jobs that run for the account. */
  readonly jobs: readonly JobDefinition[]
  /** How the first login is made and checked; absent when there is none to make. */
  readonly firstLogin?: FirstLoginDefinition | undefined
  /** The state of the account's first login; undefined when the store can't be read. */
  readonly findFirstLogin: (account: string) => Promise<FirstLoginRecord | undefined>
  /** The findings of `queue` and `store`; the same for every account. */
  readonly services: ReadonlyMap<'queue' | 'store', Finding>
  /** The problems of the configuration that concern this account. */
  readonly problems: readonly Explanation[]
  /** Path of the accounts file that defines the account, if any. */
  readonly accountsFile?: string | undefined
  readonly envFile?: EnvFile | undefined
}

/** Makes every possible check of one account; changes nothing. */
export async function diagnoseAccount(account: Account, deps: DoctorDeps, signal: AbortSignal): Promise<Diagnosis> {
  const findings = new Map<CheckId, Finding>(deps.services)
  const access = openAccess(account, deps)
  findings.set('config', await inspectConfig(account, deps, access))
  if (access instanceof ConfigError) return arrange(account.name, findings)
  const token = await logIn(access, deps, findings, signal)
  if (!token) return arrange(account.name, findings)

  const { firstLogin } = deps
  const { findings: found, claims, hasura } = inspectClaims(token.value, account, firstLogin?.isVisible !== undefined)
  for (const [id, finding] of found) findings.set(id, finding)
  findings.set('token-lifetime', inspectLifetime(token, claims?.issuedAt, deps.clock.now()))
  findings.set(
    'api',
    access.api && account.api
      ? await inspectApi(access.api, account.api.baseUrl, signal)
      : skip('the account has no REST API'),
  )
  if (!account.hasura) {
    for (const id of ['hasura', 'first-login', 'contract', 'live'] as const) findings.set(id, noHasura)
  }
  const record = await deps.findFirstLogin(account.name)
  const other =
    claims &&
    record?.fingerprint &&
    explainOtherFingerprint(account.name, record.fingerprint, fingerprintOf(account, claims))
  if (other) findings.set('first-login', failWith(other))
  if (!claims || (account.hasura && !hasura)) return arrange(account.name, findings)
  const granted = { claims, hasura }
  const requirements = deps.jobs.map(job => job.requirement)
  const needs = needsOf(account, requirements, firstLogin, granted)
  const { scope, jobRoles } = inspectRequirements(needs, granted)
  findings.set('scope', scope)
  findings.set('job-roles', jobRoles)
  if (hasura) await inspectApplication(access, { ...deps, record }, { claims, hasura }, findings, signal)
  return arrange(account.name, findings)
}

function openAccess(account: Account, deps: DoctorDeps): AccountAccess | ConfigError {
  try {
    return createAccountAccess(account, deps)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
}

async function inspectConfig(
  account: Account,
  deps: DoctorDeps,
  access: AccountAccess | ConfigError,
): Promise<Finding> {
  const { accountsFile, envFile, env } = deps
  const problems = [...deps.problems, ...(access instanceof ConfigError ? access.problems : [])]
  const hint = 'set the variable named; docs/configuration.md lists all variables'
  const files = await inspectFiles(account, deps.jobs, { accountsFile, envFile, env }, deps)
  const tls = await findTlsProblems(env, envFile, deps.readSecretFile)
  const misspelled = findMisspelled(env, settingNamesOf(deps.jobs))
  const warnings = [...misspelled, ...tls].map(warnWith)
  return combine([...problems.map(problem => failWith(problem, hint)), ...warnings, files], files)
}

/** Logs in; files a failure under the check that it concerns. */
async function logIn(
  { account: { login }, tokens }: AccountAccess,
  deps: Pick<DoctorDeps, 'readSecretFile' | 'clock'>,
  findings: Map<CheckId, Finding>,
  signal: AbortSignal,
): Promise<Token | undefined> {
  const deprecation = findDeprecation(login)
  const known = ok(`client "${login.clientId}" is authenticated by ${login.method}`)
  const client = deprecation ? warnWith(deprecation) : ((await inspectCertificate(login, deps)) ?? known)
  try {
    const token = await tokens.get(signal)
    findings.set('token-endpoint', answers)
    findings.set('client-auth', client)
    findings.set('scope', ok(login.scopes.length > 0 ? `granted: ${login.scopes.join(', ')}` : 'no scope is requested'))
    return token
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    const finding = failWith(error, 'check OIDC_ISSUER or TOKEN_URL')
    const id = error instanceof RefusalError ? checkIds.find(known => known === error.code) : undefined
    if (id) findings.set('token-endpoint', answers)
    // The server authenticates the client before it looks at scopes or issues a token.
    if (id && id !== 'client-auth') findings.set('client-auth', client)
    findings.set(id ?? 'token-endpoint', finding)
    return undefined
  }
}

const answers = ok('the token endpoint answers')

async function inspectApplication(
  access: AccountAccess,
  { clock, jobs, firstLogin, record, schemaFolder }: DoctorDeps & { readonly record: FirstLoginRecord | undefined },
  { claims, hasura }: { readonly claims: Claims; readonly hasura: HasuraClaims },
  findings: Map<CheckId, Finding>,
  signal: AbortSignal,
): Promise<void> {
  const { hasura: endpoint } = access.account
  if (!endpoint) return
  const openClient = (role: string) => access.hasura(endpoint.url, role)
  const finding = await inspectHasura(endpoint.url, { openClient, clock }, { claims, roles: hasura }, signal)
  findings.set('hasura', finding)
  if (finding.status === 'fail') return
  findings.set('contract', await inspectContract(schemaFolder, jobs, hasura.allowedRoles, openClient, signal))
  findings.set('live', await inspectLive(access, { jobs, schemaFolder, clock }, signal))
  if (findings.has('first-login')) return
  const user = { hasura: openClient(endpoint.refreshRole ?? hasura.defaultRole), userId: hasura.userId }
  findings.set('first-login', await inspectFirstLogin(record, firstLogin, user, signal))
}
