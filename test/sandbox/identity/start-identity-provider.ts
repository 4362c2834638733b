import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { z } from 'zod'
import { accessTokenPayload } from './access-token-payload.ts'
import { applyFault } from './apply-fault.ts'
import { type ClaimsChange, type ClientDefinition, ClientRegistry, type RegisteredClient } from './client-registry.ts'
import { createProvider, ENDPOINT_PATHS } from './create-provider.ts'
import { grantedScope } from './granted-scope.ts'
import { FaultPlan, type IdentityEndpoint, type IdentityFault } from './identity-fault.ts'
import { RefreshTokens } from './refresh-tokens.ts'
import { createSigningKey } from './signing-key.ts'
import { serveTokenRequest, type TokenEndpoint } from './token-endpoint.ts'
import type { TokenRequestRecord } from './token-request.ts'

/** @public For set-ups from a single import. */
export type { ClientDefinition, IdentityFault, TokenRequestRecord }

export interface IdentityProviderOptions {
  clients: ClientDefinition[]
  /** Default: a free one. */
  port?: number
  /** The client that owns Hasura's roles. Default: phonemos-hasura. */
  applicationClient?: string
  /** Default: 300. */
  tokenLifetimeSeconds?: number
}

export interface IdentityProvider extends AsyncDisposable {
  readonly issuer: string
  readonly tokenUrl: string
  readonly jwksUrl: string
  /** Every request to the token endpoint, in order of arrival. */
  readonly tokenRequests: TokenRequestRecord[]
  addClient(definition: ClientDefinition): void
  setRoles(clientId: string, roles: string[], defaultRole?: string): void
  rotateSecret(clientId: string, secret: string): void
  setEnabled(clientId: string, enabled: boolean): void
  /** Changes the final payload; replaces an earlier change of the same client. */
  setClaims(clientId: string, change: ClaimsChange): void
  setTokenLifetime(seconds: number): void
  /** How far the provider's clock is ahead, in `iat` and `exp`. */
  setClockOffset(seconds: number): void
  /** Replaces the signing key: earlier tokens are invalid once the JWKS is fetched again. */
  rotateKeys(): Promise<void>
  /** Returns a function that removes the fault; without `times` it stays until then. */
  fault(where: IdentityEndpoint, fault: IdentityFault, times?: number): () => void
  clearFaults(): void
  /** A token without a request. */
  issueToken(clientId: string): Promise<string>
  stop(): Promise<void>
  /** Listens on the same port again. */
  start(): Promise<void>
}

const REALM_PATH = '/realms/sandbox'

/** An identity provider on loopback that answers a service account like a Keycloak realm set up for Hasura. */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const applicationClient = options.applicationClient ?? 'phonemos-hasura'
  const registry = new ClientRegistry()
  for (const client of options.clients) registry.add(client)
  const faults = new FaultPlan()
  const refreshTokens = new RefreshTokens()
  let lifetimeSeconds = options.tokenLifetimeSeconds ?? 300
  let clockOffsetSeconds = 0
  let key = await createSigningKey()

  let handle: RequestListener = (_request, response) => response.writeHead(503).end()
  const server = createServer((request, response) => handle(request, response))
  const port = await listen(server, options.port ?? 0)
  const issuer = `http://127.0.0.1:${port}${REALM_PATH}`

  const tokenEndpoint: TokenEndpoint = {
    registry,
    refreshTokens,
    requests: [],
    lifetimeSeconds: () => lifetimeSeconds,
    signToken: (client, scope) => {
      const issuedAtSeconds = Math.floor(Date.now() / 1000) + clockOffsetSeconds
      return key.sign(
        accessTokenPayload(client, { issuer, applicationClient, scope, issuedAtSeconds, lifetimeSeconds }),
      )
    },
  }

  // oidc-provider reads its keys once, so new keys require a new instance; lasting state is kept outside it.
  const serveWithCurrentKey = () => {
    const provider = createProvider(issuer, registry, key, refreshTokens)
    provider.use((context: KoaContextWithOIDC, next: () => Promise<void>) => {
      const where = endpointOf(context.path)
      const fault = where && faults.take(where)
      if (where === 'token') return serveTokenRequest(tokenEndpoint, context, next, fault)
      return fault ? applyFault(context, fault, next) : next()
    })
    handle = underRealmPath(provider.callback())
  }
  serveWithCurrentKey()

  const stop = () => close(server)
  return {
    issuer,
    tokenUrl: `${issuer}${ENDPOINT_PATHS.token}`,
    jwksUrl: `${issuer}${ENDPOINT_PATHS.jwks}`,
    tokenRequests: tokenEndpoint.requests,
    addClient: definition => registry.add(definition),
    setRoles: (clientId, roles, defaultRole) =>
      registry.update(clientId, { roles, ...(defaultRole !== undefined && { explicitDefaultRole: defaultRole }) }),
    rotateSecret: (clientId, clientSecret) => registry.update(clientId, { clientSecret }),
    setEnabled: (clientId, enabled) => registry.update(clientId, { enabled }),
    setClaims: (clientId, changeClaims) => registry.update(clientId, { changeClaims }),
    setTokenLifetime: seconds => {
      lifetimeSeconds = seconds
    },
    setClockOffset: seconds => {
      clockOffsetSeconds = seconds
    },
    rotateKeys: async () => {
      key = await createSigningKey()
      serveWithCurrentKey()
    },
    fault: (where, fault, times) => faults.add(where, fault, times),
    clearFaults: () => faults.clear(),
    issueToken: clientId => {
      const client: RegisteredClient = registry.get(clientId)
      return tokenEndpoint.signToken(client, grantedScope(client, undefined) ?? '')
    },
    stop,
    start: async () => {
      if (!server.listening) await listen(server, port)
    },
    [Symbol.asyncDispose]: stop,
  }
}

function endpointOf(path: string): IdentityEndpoint | undefined {
  switch (path) {
    case ENDPOINT_PATHS.token:
      return 'token'
    case ENDPOINT_PATHS.jwks:
      return 'jwks'
    case ENDPOINT_PATHS.discovery:
      return 'discovery'
    default:
      return undefined
  }
}

/** oidc-provider routes from the root, whatever the issuer's path. */
function underRealmPath(listener: RequestListener): RequestListener {
  return (request: IncomingMessage, response) => {
    if (!request.url?.startsWith(`${REALM_PATH}/`)) {
      response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Realm does not exist"}')
      return
    }
    // It derives the prefix of the addresses that it publishes from `originalUrl`.
    const { url } = request
    listener(Object.assign(request, { originalUrl: url, url: url.slice(REALM_PATH.length) }), response)
  }
}

const addressSchema = z.object({ port: z.number() })

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve(addressSchema.parse(server.address()).port)
    })
  })
}

function close(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve()
  return new Promise(resolve => {
    server.close(() => resolve())
    // Clients keep connections alive, and a hanging response would make this wait forever.
    server.closeAllConnections()
  })
}
