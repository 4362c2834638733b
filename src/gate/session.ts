import type { Account, Requirement } from '../account.ts'
import { type Claims, parseClaims } from '../auth/claims.ts'
import { readHasuraClaims } from '../auth/hasura-claims.ts'
import type { Token } from '../auth/token.ts'
import { PermanentError, RefusalError, WorkerError } from '../errors.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import type { RestApi } from '../rest/rest-api.ts'
import type { AccountAccess } from './account-access.ts'
import { ensureAccountRecord, type KnownAccount, type Transact } from './account-record.ts'
import { ensureFirstLogin, type FirstLoginDeps } from './first-login.ts'
import { findRefusal, type Granted } from './requirement.ts'

/**
 * The permission to run one job: the account has a token, its user is visible, and the claims meet the job's requirement. A job can't run
 * without a session, and only the gate creates one: the constructor requires a key that is private to this module.
 *
 * @example
 * import type { Session } from 'hasura-sync-worker'
 * import { FindUserDocument } from '../generated/graphql.ts'
 *
 * export async function isUser(session: Session, id: string, signal: AbortSignal): Promise<boolean> {
 *   const { users_by_pk } = await session.hasura.query(FindUserDocument, { id }, { signal })
 *   return users_by_pk != null
 * }
 */
export class Session {
  /** Only its name: credentials aren't passed to jobs. */
  readonly account: Pick<Account, 'name'>
  readonly claims: Claims
  /** The roles and session variables that decide which rows Hasura shows, in a stable order. */
  readonly visibility: readonly string[]
  readonly #access: AccountAccess
  readonly #hasura: HasuraClient | undefined

  constructor(
    key: typeof sessionKey,
    access: AccountAccess,
    { claims, hasura: granted }: Granted,
    hasura: HasuraClient | undefined,
  ) {
    if (key !== sessionKey) throw new TypeError('Only the gate can create a session')
    this.account = { name: access.account.name }
    this.claims = claims
    this.visibility = [
      ...(granted?.allowedRoles ?? []),
      ...Object.entries(granted?.values ?? {}).map(([name, value]) => `${name}: ${value}`),
    ].toSorted()
    this.#access = access
    this.#hasura = hasura
  }

  /** Client for Hasura with the role that the job requires. @throws PermanentError (`no-role`) when the job requires none */
  get hasura(): HasuraClient {
    if (this.#hasura) return this.#hasura
    throw new PermanentError('no-role', {
      found: 'The job requires no Hasura role, so its session has no Hasura client',
      remedy: 'add `requirement: { role: "…" }` to the job',
    })
  }

  /** The REST API that accepts the account's token. @throws RefusalError (`config`) when the account has none */
  get api(): RestApi {
    const { account, api } = this.#access
    if (api) return api
    throw new PermanentError('no-api', {
      found: `Account "${account.name}" has no REST API`,
      remedy: 'set API_BASE_URL',
    })
  }

  /** Keycloak's Admin API for the realm that issued the token. */
  keycloak(signal: AbortSignal): Promise<KeycloakAdmin> {
    return this.#access.keycloak(this.claims.issuer, signal)
  }
}

const sessionKey: unique symbol = Symbol('session')

/**
 * The gate: token → account record → first login → requirement.
 *
 * @param run.known what the claim found about the account; a complete record needs no further query
 * @param run.transact a transaction of the run, for the account's record; default: the store itself
 * @param run.onGranted is called with what the token grants, which is the same object for the same token
 * @throws RefusalError naming what was found, what was needed and what to do
 * @throws OutageError when the identity provider or the API can't be reached
 */
export async function openSession(
  deps: FirstLoginDeps,
  access: AccountAccess,
  requirement: Requirement | undefined,
  signal: AbortSignal,
  {
    known = null,
    transact = work => work(deps.store),
    onGranted = () => {},
  }: {
    readonly known?: KnownAccount | null
    readonly transact?: Transact
    readonly onGranted?: (granted: Granted) => void
  } = {},
): Promise<Session> {
  const { account } = access
  const granted = await requireGranted(access, requirement, signal)
  onGranted(granted)
  const { claims, hasura } = granted
  const firstLogin = await ensureAccountRecord(transact, account, claims, known)
  if (account.hasura && hasura && firstLogin !== 'visible') {
    const client = access.hasura(account.hasura.url, account.hasura.refreshRole ?? hasura.defaultRole, deps.log)
    const user = { hasura: client, userId: hasura.userId }
    await access.inTurn(() => ensureFirstLogin(deps, account.name, user, signal))
  }
  const client =
    account.hasura && requirement && 'role' in requirement
      ? access.hasura(account.hasura.url, requirement.role, deps.log)
      : undefined
  return new Session(sessionKey, access, granted, client)
}

/**
 * Checks the requirement. What is missing may have been granted since the token was issued, so a new one is fetched once.
 *
 * @throws RefusalError
 */
export async function requireGranted(
  access: AccountAccess,
  requirement: Requirement | undefined,
  signal: AbortSignal,
): Promise<Granted> {
  const token = await access.tokens.get(signal)
  const first = readGranted(access.account, token, requirement)
  if (!(first instanceof RefusalError)) return first
  const fresh = await access.tokens.replace(token, signal).catch((error: unknown) => {
    signal.throwIfAborted()
    // What the account's other jobs need may be in the token, so that they don't wait until one can be fetched again.
    throw error instanceof WorkerError ? new RefusalError(first.code, first.scope, first, { cause: error }) : error
  })
  const second = readGranted(access.account, fresh, requirement)
  if (second instanceof RefusalError) throw second
  return second
}

/** Parsed once per token: its claims don't change, and an account's runs share it. */
const grantedBy = new WeakMap<Token, Granted>()

function readGranted(account: Account, token: Token, requirement: Requirement | undefined): Granted | RefusalError {
  try {
    const granted = grantedBy.get(token) ?? parseGranted(account, token)
    grantedBy.set(token, granted)
    return findRefusal(requirement, granted) ?? granted
  } catch (error) {
    if (error instanceof RefusalError) return error
    throw error
  }
}

function parseGranted(account: Account, token: Token): Granted {
  const claims = parseClaims(token.value)
  return { claims, hasura: account.hasura && readHasuraClaims(claims, account.hasura.claims) }
}
