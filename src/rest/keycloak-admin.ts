import KeycloakAdminClient from '@keycloak/keycloak-admin-client'
import { z } from 'zod'
import type { Login } from '../account.ts'
import { ConfigError } from '../errors.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import { createBoundedDispatcher, plainEncoding } from '../outgoing/bounded-dispatcher.ts'
import { withDeadline } from '../outgoing/deadline.ts'
import { explainInsecure } from '../outgoing/secure-address.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { mendRejection } from './admin-api-scope.ts'
import { requirePathParts } from './admin-path.ts'
import { parseApiBaseUrl } from './api-url.ts'
import { interpretAdminError, interpretContent, isMissing } from './interpret-admin-error.ts'
import { type PersistDeps, persist } from './persist.ts'

/**
 * The part of the Admin API that is available, with the methods of `@keycloak/keycloak-admin-client`. Responses aren't parsed.
 */
export type KeycloakAdmin = Pick<
  KeycloakAdminClient,
  | 'attackDetection'
  | 'authenticationManagement'
  | 'clientPolicies'
  | 'clientScopes'
  | 'clients'
  | 'components'
  | 'groups'
  | 'identityProviders'
  | 'organizations'
  | 'realms'
  | 'roles'
  | 'serverInfo'
  | 'users'
>

/**
 * Keycloak's Admin API as the account of this token source; nothing here ever logs in. As for any API, a rejected token is
 * replaced once and pauses are observed. Methods that only read are retried after a transient failure; the others aren't.
 *
 * Each method rejects with PermanentError (`forbidden`, `not-found`, `http-…`), OutageError, TransientError, RateLimitedError,
 * UnknownOutcomeError, what the token source throws, or the signal's reason.
 *
 * @param deps.issuer `https://host/realms/R`
 * @param deps.signal aborts every request of this client
 * @param deps.timeoutMs for one try, including its whole response; default 30 seconds
 * @param deps.tellsReasons whether errors tell why Keycloak refuses a request: to an administrator, who may know what was sent
 * @throws ConfigError if the issuer isn't a Keycloak realm
 */
export function createKeycloakAdmin(
  deps: PersistDeps & {
    readonly issuer: string
    readonly insecureHosts?: readonly string[] | undefined
    readonly signal: AbortSignal
    readonly timeoutMs?: number
    readonly tellsReasons?: boolean
  },
): KeycloakAdmin {
  const { baseUrl, realm } = parseKeycloakIssuer(deps.issuer, deps.insecureHosts)
  const { timeoutMs = 30_000, signal } = deps

  const dispatcher = createBoundedDispatcher(answerLimit)

  /** Each try has its own client, because a client has one token and one signal. */
  function openClient(token: string, signal: AbortSignal, trace?: TraceHeaders): KeycloakAdminClient {
    // Passed to fetch unchanged. The types of Node's fetch belong to another version of undici.
    const own: object = { dispatcher }
    const requestOptions: RequestInit = { redirect: 'manual', signal, headers: { ...plainEncoding, ...trace }, ...own }
    // It would take any 404 for a missing object, also the page of a proxy.
    const requestArgOptions = { catchNotFound: false }
    const client = new KeycloakAdminClient({ baseUrl, realmName: realm, requestOptions, requestArgOptions })
    client.registerTokenProvider({ getAccessToken: async () => token })
    return client
  }

  async function call(resource: keyof KeycloakAdmin, method: string, parameters: readonly unknown[]): Promise<unknown> {
    const request = {
      method: reads.test(method) ? 'GET' : 'POST',
      name: `${resource}.${method} of Keycloak's Admin API`,
      address: `that ${baseUrl}/admin can be reached from here, or set TOKEN_URL to an address of Keycloak where it can`,
      keyed: false,
      ifRejected,
    }
    requirePathParts(request.name, parameters[0])
    return persist(deps, request, signal, async (token, current, trace) => {
      const over = new AbortController()
      try {
        const value = await withDeadline({ signal, timeoutMs }, async (own): Promise<unknown> => {
          const target = openClient(token.value, AbortSignal.any([own, over.signal]), trace)[resource]
          return await Reflect.apply(Reflect.get(target, method), target, parameters)
        })
        return { verdict: interpretContent(value, current) }
      } catch (error) {
        signal.throwIfAborted()
        if (isMissing(error) && givesNull(resource, method, parameters))
          return { verdict: { kind: 'done', value: null } }
        const quote = (words: string) => quoteForeign(words, [token.value, ...parameters.flatMap(findSecrets)])
        const { length } = token.value
        return interpretAdminError(error, current, length, deps.clock.now(), deps.tellsReasons ? quote : undefined)
      } finally {
        // The client doesn't read the body of a response if its headers suffice, which would keep the connection occupied.
        over.abort()
      }
    })
  }

  const methodsOf = <R extends keyof KeycloakAdmin>(client: KeycloakAdminClient, resource: R): KeycloakAdmin[R] =>
    new Proxy(client[resource], {
      get(target, property, receiver) {
        const value: unknown = Reflect.get(target, property, receiver)
        if (typeof value !== 'function' || typeof property === 'symbol') return value
        return (...parameters: unknown[]) => call(resource, property, parameters)
      },
    })

  const shape = openClient('', signal)
  return {
    attackDetection: methodsOf(shape, 'attackDetection'),
    authenticationManagement: methodsOf(shape, 'authenticationManagement'),
    clientPolicies: methodsOf(shape, 'clientPolicies'),
    clientScopes: methodsOf(shape, 'clientScopes'),
    clients: methodsOf(shape, 'clients'),
    components: methodsOf(shape, 'components'),
    groups: methodsOf(shape, 'groups'),
    identityProviders: methodsOf(shape, 'identityProviders'),
    organizations: methodsOf(shape, 'organizations'),
    realms: methodsOf(shape, 'realms'),
    roles: methodsOf(shape, 'roles'),
    serverInfo: methodsOf(shape, 'serverInfo'),
    users: methodsOf(shape, 'users'),
  }
}

const answerLimit = { maxBytes: 32 * 2 ** 20, ifTooLarge: 'request smaller pages, with first and max' }

const ifRejected = mendRejection('the client')

/** The secrets in what is sent: that of a client. */
function findSecrets(parameter: unknown): readonly string[] {
  const { secret } = z.object({ secret: z.string().min(1) }).safeParse(parameter).data ?? {}
  return secret === undefined ? [] : [secret]
}

/** Whether the client's method gives null for a missing object: as its second parameter says, or by default. */
function givesNull(resource: keyof KeycloakAdmin, method: string, parameters: readonly unknown[]): boolean {
  const chosen = optionsSchema.safeParse(parameters[1]).data?.catchNotFound
  return chosen ?? nullIfMissing[resource]?.some(name => name === method) ?? false
}

const optionsSchema = z.object({ catchNotFound: z.boolean() })

const nullIfMissing: { readonly [R in keyof KeycloakAdmin]?: readonly (keyof KeycloakAdmin[R])[] } = {
  attackDetection: ['findOne'],
  authenticationManagement: ['getRequiredActionForAlias'],
  clientScopes: ['findOne', 'findProtocolMapper', 'findProtocolMappersByProtocol'],
  clients: [
    'findOne',
    'findOnePolicy',
    'findOnePolicyWithType',
    'findProtocolMapperById',
    'findProtocolMappersByProtocol',
    'findRole',
  ],
  components: ['findOne'],
  groups: ['findOne', 'listMembers', 'listSubGroups'],
  identityProviders: ['findOne', 'findOneMapper'],
  realms: ['findOne', 'removeSession'],
  roles: ['findOneById', 'findOneByName', 'findUsersWithRole'],
  users: ['findOne'],
}

/** The client's methods that send GET; a method with another name is never sent twice. */
const reads = /^(?:find|list|count|get)/

/**
 * The Keycloak base URL and realm of an issuer (Keycloak, "Server administration guide"; older versions are below `/auth`).
 *
 * @throws ConfigError
 */
export function parseKeycloakIssuer(
  issuer: string,
  insecureHosts: readonly string[] = [],
): { baseUrl: string; realm: string } {
  const found = /^(.+?)\/realms\/([^/?#]+)\/?$/.exec(issuer)
  if (!found?.[1] || !found[2]) {
    throw new ConfigError([
      { found: 'The issuer is not a Keycloak realm', remedy: "it must end with /realms/ and the realm's name" },
    ])
  }
  const base = parseApiBaseUrl(found[1], insecureHosts)
  return { baseUrl: base.href.replace(/\/$/, ''), realm: decodeURIComponent(found[2]) }
}

/**
 * The URL at which this process reaches a realm: taken from the token endpoint if that is one of Keycloak's, because the issuer
 * may be a name that only others resolve. Undefined if the realm can't be determined.
 */
export function findRealmUrl({
  server,
  insecureHosts = [],
}: Pick<Login, 'server' | 'insecureHosts'>): string | undefined {
  const url = 'tokenUrl' in server ? URL.parse(server.tokenUrl) : null
  const below = /^(.*\/realms\/[^/]+)\/protocol\/openid-connect\/token$/.exec(url?.pathname ?? '')?.[1]
  // Unlike a login, an administrator's token isn't sent over plain http to any host.
  const isUsable = url && below !== undefined && !explainInsecure(url, 'TOKEN_URL', { insecureHosts })
  return isUsable ? `${url.origin}${below}` : server.issuer
}
