import { hkdfSync } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { decodeJwt } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { z } from 'zod'
import { basicAuth } from '../auth/basic-auth.ts'
import type { DashboardLogin } from '../config/read-dashboard.ts'
import { readValue } from '../config/read-value.ts'
import { TransientError, UsageError, WorkerError } from '../errors.ts'
import { ownValue } from '../names/own-value.ts'
import { nameCaller } from '../operations/bound-caller.ts'
import { parseValue } from '../operations/values.ts'
import { exchange } from '../outgoing/exchange.ts'
import { explainNamed } from '../outgoing/secure-address.ts'
import type { Clock } from '../time/clock.ts'
import { isStorable } from '../words/storable.ts'
import { type Access, localPage } from './access.ts'
import { type Cookies, createCookies, openSession } from './session.ts'
import type { Right, Viewer } from './viewer.ts'

/** Milliseconds after which a viewer is sent through Keycloak again, which notices a revoked role. */
const sessionMs = 30 * 60_000
/** Milliseconds that a login may take, typing the password included. */
const loginMs = 10 * 60_000

interface Host {
  readonly clock: Pick<Clock, 'now'>
  readSecretFile(path: string): Promise<string>
}

/** What needs only the client's secret: a session is found also while the issuer is down. */
interface Sealing {
  readonly secret: string
  readonly cookies: Cookies
}

/**
 * Login by OpenID Connect: the authorization code flow with PKCE (RFC 7636), state and nonce. Roles are those of the realm and of the
 * client. The session's key is derived from the client's secret: all processes share it, and a new secret logs everybody out.
 */
export function createKeycloakAccess(login: DashboardLogin, host: Host): Access {
  const { issuer, url } = login
  const redirectUri = `${url}/dashboard/callback`
  const settings = cookieSettings(url)
  let end = `${settings.name}=; Path=${settings.path}; Max-Age=0`
  let endSessionUrl: string | undefined
  const sealing = keep(async () => {
    const opened = await openSealing(login, host)
    end = opened.cookies.drop('session')
    return opened
  })
  const client = keep(async () => {
    const configuration = await discoverClient(login, (await sealing.get()).secret)
    endSessionUrl = findEndSession(configuration, `${url}/dashboard/login`)
    return configuration
  })

  async function begin(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const configuration = await client.get()
    const { cookies } = await sealing.get()
    const { page } = parseValue(beginSchema, request.query, 'query')
    const verifier = randomPKCECodeVerifier()
    const state = randomState()
    const nonce = randomNonce()
    const address = buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: 'openid profile',
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
    const begun = await cookies.seal(
      'login',
      { verifier, state, nonce, page: localPage(page) },
      host.clock.now() + loginMs,
    )
    return reply.header('set-cookie', begun).redirect(address.href, 303)
  }

  async function finish(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const configuration = await client.get()
    const { cookies } = await sealing.get()
    const begun = begunSchema.safeParse(await cookies.open('login', request.headers.cookie)).data
    if (!begun)
      throw new UsageError({
        found: 'The login was not started here, or took longer than 10 minutes',
        remedy: 'log in again',
      })
    const asked = new URL(redirectUri)
    asked.search = new URL(request.url, redirectUri).search
    const viewer = await exchangeCode(configuration, asked, begun, login).catch((error: unknown) => {
      // The secret may have been rotated, or the endpoints moved: the next login reads both again.
      for (const kept of [sealing, client]) kept.forget()
      throw error
    })
    const session = await cookies.seal('session', { viewer }, host.clock.now() + sessionMs)
    return reply.header('set-cookie', [session, cookies.drop('login')]).redirect(begun.page, 303)
  }

  return {
    async find(header) {
      // A request without our cookie needs no secret.
      if (header === undefined || !header.includes(settings.name)) return undefined
      return openSession((await sealing.get()).cookies, header)
    },
    loginOf: page => `begin?${new URLSearchParams({ page })}`,
    get end() {
      return end
    },
    get logoutUrl() {
      return endSessionUrl
    },
    origins: [new URL(issuer).origin],
    addRoutes(app) {
      app.get('/begin', begin)
      app.get('/callback', finish)
      // A viewer may log out before anybody has logged in here. If the issuer isn't up yet, the next login retries.
      client.get().catch(() => {})
    },
  }
}

const beginSchema = z.object({ page: z.unknown().optional() })
const begunSchema = z.object({ verifier: z.string(), state: z.string(), nonce: z.string(), page: z.string() })

function cookieSettings(url: string) {
  const { protocol, pathname } = new URL(url)
  const isSecure = protocol === 'https:'
  return { name: `${isSecure ? '__Secure-' : ''}hasura-sync-worker`, path: pathname, isSecure }
}

/** Opens something once, however many callers wait. A failure isn't kept. */
function keep<T>(open: () => Promise<T>): { get(): Promise<T>; forget(): void } {
  let opened: Promise<T> | undefined
  return {
    get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined
        throw error
      })
      return opened
    },
    forget() {
      opened = undefined
    },
  }
}

async function openSealing({ secret: given, url }: DashboardLogin, host: Host): Promise<Sealing> {
  const secret = 'value' in given ? given.value : readValue(await host.readSecretFile(given.file)).value
  const key = new Uint8Array(hkdfSync('sha256', secret, 'hasura-sync-worker', 'dashboard session', 32))
  return { secret, cookies: createCookies(key, cookieSettings(url), host.clock) }
}

async function discoverClient(
  { issuer, clientId, insecureHosts }: DashboardLogin,
  secret: string,
): Promise<Configuration> {
  // The configuration has checked where plain http may be used.
  const execute = new URL(issuer).protocol === 'http:' ? [allowInsecureRequests] : []
  const configuration = await discovery(new URL(issuer), clientId, secret, basicAuth(secret), {
    [customFetch]: loginFetch,
    execute,
  }).catch((error: unknown) => {
    throw unavailable(issuer, error)
  })
  const { token_endpoint = '' } = configuration.serverMetadata()
  const endpoint = URL.parse(token_endpoint)
  const problem =
    endpoint && explainNamed(endpoint, 'The token_endpoint of DASHBOARD_ISSUER', new URL(issuer), { insecureHosts })
  if (problem) throw new TransientError('dashboard-login', problem)
  return configuration
}

/** Requests of the login: bounded, without redirects, like all others. */
const loginFetch: CustomFetch = async (address, { method, headers, body }) => {
  const outgoing = { method, headers, body: body ?? null }
  const limits = { timeoutMs: 10_000, maxBytes: 2 ** 20, ifTooLarge: 'check DASHBOARD_ISSUER' }
  const { status, headers: told, body: content } = await exchange(address, outgoing, limits)
  return new Response(content.length > 0 ? content : null, { status, headers: told })
}

async function exchangeCode(
  configuration: Configuration,
  asked: URL,
  { verifier, state, nonce }: z.infer<typeof begunSchema>,
  login: DashboardLogin,
): Promise<Viewer> {
  let tokens: Awaited<ReturnType<typeof authorizationCodeGrant>>
  try {
    tokens = await authorizationCodeGrant(configuration, asked, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
  } catch (error) {
    throw refused(error, login.issuer)
  }
  const claims = claimsSchema.safeParse(tokens.claims()).data
  if (!claims)
    throw new UsageError({ found: 'The identity token has no subject', remedy: 'check the mappers of the client' })
  const roles = new Set([
    ...rolesIn(tokens.claims(), login.clientId),
    ...rolesIn(decode(tokens.access_token), login.clientId),
  ])
  const name =
    [claims.name, claims.preferred_username, claims.sub].find(each => each !== undefined && isStorable(each)) ?? ''
  const caller = nameCaller({ client: login.clientId, subject: claims.sub })
  return { name: name.slice(0, 200), caller, rights: rightsOf(roles, login.roles) }
}

const text = z.string().optional().catch(undefined)
const claimsSchema = z.object({ sub: z.string().min(1).max(255), name: text, preferred_username: text })
const listSchema = z.object({ roles: z.array(z.string()) }).catch({ roles: [] })
const rolesSchema = z.object({ realm_access: listSchema, resource_access: z.record(z.string(), listSchema).catch({}) })

/** Keycloak writes roles into the access token, and into the identity token if its mappers say so. */
function rolesIn(claims: unknown, clientId: string): readonly string[] {
  const read = rolesSchema.safeParse(claims).data
  if (!read) return []
  return [...read.realm_access.roles, ...(ownValue(read.resource_access, clientId)?.roles ?? [])]
}

/** Its signature needn't be checked: it came from the issuer itself over TLS (OpenID Connect Core 1.0, section 3.1.3.7). */
function decode(token: string): unknown {
  try {
    return decodeJwt(token)
  } catch {
    return undefined
  }
}

/** Operators may view; the data role alone allows nothing. */
export function rightsOf(roles: ReadonlySet<string>, names: DashboardLogin['roles']): Right[] {
  const has = (right: Right) => names[right] !== undefined && roles.has(names[right])
  const operates = has('operate')
  return [
    ...(operates || has('view') ? (['view'] as const) : []),
    ...(operates ? (['operate'] as const) : []),
    ...(has('data') ? (['data'] as const) : []),
  ]
}

function findEndSession(configuration: Configuration, back: string): string | undefined {
  if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined
  return buildEndSessionUrl(configuration, { post_logout_redirect_uri: back }).href
}

function unavailable(issuer: string, error: unknown): TransientError {
  if (error instanceof TransientError) return error
  return new TransientError(
    'dashboard-login',
    { found: `${issuer} can't be asked for its endpoints`, remedy: 'check that it runs, and DASHBOARD_ISSUER' },
    { cause: error },
  )
}

const oauthError = z.object({ error: z.string().regex(/^[a-z_]{1,60}$/) })

/** Quotes nothing from the address or the issuer but the error's code. */
function refused(error: unknown, issuer: string): WorkerError {
  if (error instanceof WorkerError) return error
  const code = oauthError.safeParse(error).data?.error
  if (code === 'invalid_client' || code === 'unauthorized_client') {
    return new TransientError('dashboard-login', {
      found: `${issuer} refuses the dashboard's client (${code})`,
      remedy: 'check DASHBOARD_CLIENT_ID and the file of DASHBOARD_CLIENT_SECRET_FILE',
    })
  }
  return new UsageError({
    found: code === undefined ? 'The login did not complete' : `The identity provider refused the login (${code})`,
    remedy: 'log in again',
  })
}
