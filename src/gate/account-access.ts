import type { Account } from '../account.ts'
import { createRequestToken } from '../auth/request-token.ts'
import { shareRefusal } from '../auth/share-refusal.ts'
import { timeTokens } from '../auth/time-tokens.ts'
import { createTokenSource, type TokenSource } from '../auth/token-source.ts'
import { createHasuraClient, type HasuraClient } from '../hasura/hasura-client.ts'
import type { ApiTry, Observer } from '../observer/observer.ts'
import { createSlots } from '../outgoing/slots.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import { createRateBucket } from '../rest/rate-bucket.ts'
import { createRestApi, type RestApi } from '../rest/rest-api.ts'
import type { Clock } from '../time/clock.ts'
import { createKnownSecrets, type KnownSecrets } from '../words/known-secrets.ts'

/** An account with its one token source: all its runs in this process share the token. */
export interface AccountAccess {
  readonly account: Account
  readonly tokens: TokenSource
  /** A probe is about to go and look: a refusal of a moment ago is no answer for it. */
  lookAfresh(): void
  /** A client that speaks to the account's Hasura as `role`, and as no other. */
  hasura(url: string, role: string): HasuraClient
  /** The account's REST API, whose rate limit all its runs in this process share. */
  readonly api: RestApi | undefined
  /** The Admin API of the realm that `issuer` names; it has a rate limit of its own, which these runs share as well. */
  keycloak(issuer: string, signal: AbortSignal): Promise<KeycloakAdmin>
  /** What is taken out of the words of others. */
  readonly secrets: KnownSecrets
  /** Lets one run at a time work on the account's first login. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

export function createAccountAccess(
  account: Account,
  deps: {
    readonly clock: Clock
    readonly readSecretFile: (path: string) => Promise<string>
    /** Default nobody. */
    readonly observer?: Pick<Observer, 'tokenFetched' | 'apiAsked'>
  },
): AccountAccess {
  const { clock, observer } = deps
  const secrets = createKnownSecrets()
  const fetchToken = timeTokens(createRequestToken(account.login, { ...deps, secrets }), clock, fetch =>
    observer?.tokenFetched(account.name, fetch),
  )
  const { requestToken, forget } = shareRefusal(fetchToken, clock)
  const tellOf = (api: ApiTry['api']) => (tried: Omit<ApiTry, 'api'>) =>
    observer?.apiAsked(account.name, { api, ...tried })
  const tokens = createTokenSource({ requestToken, clock })
  const slots = createSlots(account.limits?.concurrentRequests ?? 8)
  const adminBucket = createRateBucket(clock)
  let turn: Promise<unknown> = Promise.resolve()
  return {
    account,
    tokens,
    secrets,
    lookAfresh: forget,
    api:
      account.api &&
      createRestApi({ ...account.api, tokens, clock, bucket: createRateBucket(clock), tell: tellOf('rest') }),
    async keycloak(issuer, signal) {
      // Loaded where it is used: most workers never speak to it, and it is the largest of all dependencies.
      const { createKeycloakAdmin, findRealmUrl } = await import('../rest/keycloak-admin.ts')
      const realmUrl = findRealmUrl(account.login) ?? issuer
      const { insecureHosts } = account.login
      const tell = tellOf('keycloak')
      return createKeycloakAdmin({ tokens, clock, bucket: adminBucket, issuer: realmUrl, insecureHosts, signal, tell })
    },
    hasura: (url, role) => createHasuraClient({ url, role, tokens, clock, slots, secrets, tell: tellOf('hasura') }),
    inTurn(work) {
      const mine = turn.then(work, work)
      turn = mine.catch(() => {})
      return mine
    },
  }
}
