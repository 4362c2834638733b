import type { Account } from '../account.ts'
import { createRequestToken } from '../auth/request-token.ts'
import { shareRefusal } from '../auth/share-refusal.ts'
import { timeTokens } from '../auth/time-tokens.ts'
import { createTokenSource, type TokenSource } from '../auth/token-source.ts'
import type { ApiWatch } from '../auth/try-until-known.ts'
import { createHasuraClient, type HasuraClient } from '../hasura/hasura-client.ts'
import { createSubscriptionClient, type SubscriptionClient } from '../hasura/subscription-client.ts'
import type { Log } from '../log.ts'
import type { ApiName, Observer } from '../observer/observer.ts'
import { createSlots } from '../outgoing/slots.ts'
import type { KeycloakAdmin } from '../rest/keycloak-admin.ts'
import { createRateBucket } from '../rest/rate-bucket.ts'
import { createRestApi, type RestApi } from '../rest/rest-api.ts'
import type { Clock } from '../time/clock.ts'
import { createKnownSecrets, type KnownSecrets } from '../words/known-secrets.ts'

/** An account with its token source, which all its runs in this process share. */
export interface AccountAccess {
  readonly account: Account
  readonly tokens: TokenSource
  /** Forgets a shared refusal: a probe must ask the identity provider itself. */
  lookAfresh(): void
  /** A client for the account's Hasura that always acts as `role`. */
  hasura(url: string, role: string, log?: Log): HasuraClient
  /** Opens connections for subscriptions of the account's Hasura as `role`. */
  subscriptions(url: string, role: string): SubscriptionClient
  /** The account's REST API; its runs in this process share one rate limit. */
  readonly api: RestApi | undefined
  /** The Admin API of the issuer's realm, with a rate limit of its own that these runs share. */
  keycloak(issuer: string, signal: AbortSignal): Promise<KeycloakAdmin>
  /** Secrets to redact in the words of other systems. */
  readonly secrets: KnownSecrets
  /** Serializes work on the account's first login. */
  inTurn<T>(work: () => Promise<T>): Promise<T>
}

export function createAccountAccess(
  account: Account,
  deps: {
    readonly clock: Clock
    readonly readSecretFile: (path: string) => Promise<string>
    /** Default nobody. */
    readonly observer?: Pick<Observer, 'during' | 'tokenFetched' | 'apiAsked'>
  },
): AccountAccess {
  const { clock, observer } = deps
  const secrets = createKnownSecrets()
  const fetchToken = timeTokens(createRequestToken(account.login, { ...deps, secrets }), clock, {
    during: work => (observer ? observer.during({ kind: 'token', account: account.name }, work) : work()),
    fetched: fetch => observer?.tokenFetched(account.name, fetch),
  })
  const { requestToken, forget } = shareRefusal(fetchToken, clock)
  const watch = (api: ApiName, url: string): ApiWatch => ({
    during(question, work) {
      const step = { kind: 'api', account: account.name, api, url, ...question } as const
      return observer ? observer.during(step, work) : work()
    },
    asked: tried => observer?.apiAsked(account.name, { api, ...tried }),
  })
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
      createRestApi({
        ...account.api,
        tokens,
        clock,
        bucket: createRateBucket(clock),
        watch: watch('rest', account.api.baseUrl),
      }),
    async keycloak(issuer, signal) {
      // Imported lazily: most workers never use it, and it is the largest dependency.
      const { createKeycloakAdmin, findRealmUrl } = await import('../rest/keycloak-admin.ts')
      const realmUrl = findRealmUrl(account.login) ?? issuer
      const { insecureHosts } = account.login
      const own = { issuer: realmUrl, insecureHosts, signal, watch: watch('keycloak', realmUrl) }
      return createKeycloakAdmin({ tokens, clock, bucket: adminBucket, ...own })
    },
    hasura: (url, role, log) =>
      createHasuraClient({ url, role, tokens, clock, slots, secrets, log, watch: watch('hasura', url) }),
    subscriptions: (url, role) =>
      createSubscriptionClient({ url, role, tokens, clock, slots, secrets, tell: watch('hasura', url).asked }),
    inTurn(work) {
      const mine = turn.then(work, work)
      turn = mine.catch(() => {})
      return mine
    },
  }
}
