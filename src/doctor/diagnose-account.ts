import type { Account } from '../account.ts'
import { createRequestToken } from '../auth/request-token.ts'
import type { Token } from '../auth/token.ts'
import type { Clock } from '../clock.ts'
import { RefusalError, WorkerError } from '../errors.ts'
import { createAccountAccess } from '../gate/account-access.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { arrange, type CheckId, type Diagnosis, type Finding, failWith, ok, skip, warn } from './check.ts'
import { inspectClaims } from './inspect-claims.ts'
import { inspectContract, inspectFirstLogin, inspectHasura } from './inspect-hasura.ts'

export interface DoctorDeps {
  readonly clock: Clock
  readonly readSecretFile: (path: string) => Promise<string>
  readonly jobs: readonly JobDefinition[]
  /** How far the account's first login has come, as far as the store knows. */
  readonly findFirstLogin: (account: string) => Promise<string | undefined>
  /** Whether the queue and the store answer; the same for every account. */
  readonly services: ReadonlyMap<'queue' | 'store', Finding>
  /** Looks at the REST API behind the account; absent where the account has none. */
  readonly inspectApi?: (account: Account) => Promise<Finding>
}

/** Makes every check that can be made of one account, and changes nothing. */
export async function diagnoseAccount(account: Account, deps: DoctorDeps, signal: AbortSignal): Promise<Diagnosis> {
  const findings = new Map<CheckId, Finding>([...deps.services, ['config', ok('every setting can be read')]])
  findings.set('api', deps.inspectApi ? await deps.inspectApi(account) : skip('the account has no REST API'))
  const token = await login(account, deps, findings, signal)
  if (!token) return arrange(account.name, findings)

  const requirements = deps.jobs.map(job => job.requirement)
  const { findings: found, claims, hasura } = inspectClaims(token.value, account, requirements)
  for (const [id, finding] of found) findings.set(id, finding)
  if (claims) findings.set('token-lifetime', inspectLifetime(token, claims.issuedAt, deps.clock.now()))

  if (!account.hasura) {
    for (const id of ['hasura', 'first-login', 'contract'] as const)
      findings.set(id, skip('the account has no Hasura endpoint'))
  } else if (hasura) {
    const access = createAccountAccess(account, deps)
    const endpoint = { url: account.hasura.url, access, signal }
    const finding = await inspectHasura(endpoint, hasura.defaultRole)
    findings.set('hasura', finding)
    if (finding.status !== 'fail') {
      findings.set('contract', await inspectContract(endpoint, deps.jobs, hasura.allowedRoles))
      findings.set('first-login', inspectFirstLogin(await deps.findFirstLogin(account.name)))
    }
  }
  return arrange(account.name, findings)
}

/** Files what keeps the account from logging in under the check that it concerns. */
async function login(
  account: Account,
  deps: DoctorDeps,
  findings: Map<CheckId, Finding>,
  signal: AbortSignal,
): Promise<Token | undefined> {
  const { login: settings } = account
  try {
    const token = await createRequestToken(settings, deps)(undefined, signal)
    findings.set('token-endpoint', ok('the token endpoint answers'))
    findings.set('client-auth', ok(`client "${settings.clientId}" is known by ${settings.method}`))
    findings.set(
      'scope',
      ok(settings.scopes.length > 0 ? `granted: ${settings.scopes.join(', ')}` : 'none is asked for'),
    )
    return token
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    const finding = failWith(error.message)
    if (!(error instanceof RefusalError)) {
      findings.set('token-endpoint', finding)
      return undefined
    }
    findings.set('token-endpoint', ok('the token endpoint answers'))
    if (error.code === 'scope') findings.set('client-auth', ok(`client "${settings.clientId}" is known`))
    findings.set(error.code === 'scope' ? 'scope' : 'client-auth', finding)
    return undefined
  }
}

/** A token that is issued in the future, or long ago, tells of two clocks that disagree. */
const skewMs = 30_000

function inspectLifetime(token: Token, issuedAt: number | undefined, now: number): Finding {
  const seconds = Math.round((token.expiresAt - now) / 1000)
  const skew = issuedAt === undefined ? 0 : Math.round((issuedAt - now) / 1000)
  if (Math.abs(skew) * 1000 > skewMs) {
    return warn(
      `the identity provider's clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
      'let both follow a time server: APIs refuse tokens that are not valid yet, or no longer',
    )
  }
  if (seconds < 60) {
    return warn(
      `a token lives ${seconds} s`,
      'under a minute every few requests log in again: raise Access Token Lifespan (Clients → Advanced, or Realm settings → Tokens)',
    )
  }
  return ok(`a token lives ${seconds} s`)
}
