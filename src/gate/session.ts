import type { Account, Requirement } from '../account.ts'
import { type Claims, parseClaims, readHasuraClaims } from '../auth/claims.ts'
import type { Token } from '../auth/token.ts'
import { PermanentError, RefusalError } from '../errors.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import type { RestApi } from '../rest/rest-api.ts'
import type { AccountAccess } from './account-access.ts'
import { ensureAccountRecord, type KnownAccount, type Transact } from './account-record.ts'
import { ensureFirstLogin, type FirstLoginDeps } from './first-login.ts'
import { findRefusal, type Granted } from './requirement.ts'

/**
 * The right to run one job: the account has a token, its user is visible, and what the job requires is in the claims. A job
 * can't be run without one, and only `openSession` makes one: the constructor asks for a key that this module keeps.
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
  /** Its name alone: what it logs in with is no job's affair. */
  readonly account: Pick<Account, 'name'>
  readonly claims: Claims
  /** What decides which rows Hasura lets the account see: its roles and session variables, in an order that doesn't change. */
  readonly visibility: readonly string[]
  readonly #access: AccountAccess
  readonly #hasura: HasuraClient | undefined

  constructor(
    key: typeof sessionKey,
    access: AccountAccess,
    { claims, hasura: granted }: Granted,
    hasura: HasuraClient | undefined,
  ) {
    if (key !== sessionKey) throw new TypeError('A session is made by the gate alone')
    this.account = { name: access.account.name }
    this.claims = claims
    this.visibility = [
      ...(granted?.allowedRoles ?? []),
      ...Object.entries(granted?.values ?? {}).map(([name, value]) => `${name}: ${value}`),
    ].toSorted()
    this.#access = access
    this.#hasura = hasura
  }

  /** Speaks to Hasura as the one role that the job requires. */
  get hasura(): HasuraClient {
    if (this.#hasura) return this.#hasura
    throw new TypeError('This job requires no Hasura role, so its session has no Hasura client')
  }

  /** The REST API that takes the account's token. */
  get api(): RestApi {
    const { account, api } = this.#access
    if (api) return api
    throw new PermanentError('no-api', {
      found: `Account "${account.name}" has no REST API`,
      remedy: 'set API_BASE_URL',
    })
  }

  /** Keycloak's Admin API of the realm that the token is of. */
  keycloak(signal: AbortSignal): Promise<KeycloakAdmin> {
    return this.#access.keycloak(this.claims.issuer, signal)
  }
}

const sessionKey: unique symbol = Symbol('session')

/**
 * The gate: token → account record → first login → requirement.
 *
 * @param run.known what the claim found of the account, so that one that is complete needs no question more
 * @param run.transact in which the account's record is made; default whoever asks
 * @throws RefusalError naming what was found, what was needed and what to do
 * @throws OutageError when the identity provider or the API can't be reached
 */
export async function openSession(
  deps: FirstLoginDeps,
  access: AccountAccess,
  requirement: Requirement | undefined,
  signal: AbortSignal,
  {
    known,
    transact = work => work(deps.store),
  }: { readonly known?: KnownAccount | undefined; readonly transact?: Transact } = {},
): Promise<Session> {
  const { account } = access
  const granted = await requireGranted(access, requirement, signal)
  const { claims, hasura } = granted
  const firstLogin = await ensureAccountRecord(transact, account, claims, known)
  if (account.hasura && hasura && firstLogin !== 'visible') {
    const client = access.hasura(account.hasura.url, account.hasura.refreshRole ?? hasura.defaultRole)
    const user = { hasura: client, userId: hasura.userId }
    await access.inTurn(() => ensureFirstLogin(deps, account.name, user, signal))
  }
  const client =
    account.hasura && requirement && 'role' in requirement
      ? access.hasura(account.hasura.url, requirement.role)
      : undefined
  return new Session(sessionKey, access, granted, client)
}

/**
 * What is missing may just have been granted, and a token is as old as its life: so it is dropped and asked for once more.
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
  access.tokens.drop(token)
  const fresh = await access.tokens.get(signal)
  const second = readGranted(access.account, fresh, requirement)
  if (second instanceof RefusalError) throw second
  return second
}

/** A token says the same as long as it lives, and an account's runs share it. */
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
