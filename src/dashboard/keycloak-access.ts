import { hkdfSync } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  allowInsecureRequests,
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
import { TransientError, UsageError } from '../errors.ts'
import { explainSecretFile } from '../failures/secret-file.ts'
import { parseValue } from '../operations/values.ts'
import { exchange } from '../outgoing/exchange.ts'
import { explainNamed } from '../outgoing/secure-address.ts'
import type { Clock } from '../time/clock.ts'
import { type Access, localPage } from './access.ts'
import { exchangeCode } from './exchange-code.ts'
import { type Html, html } from './html.ts'
import { type Cookies, createCookies, openSession } from './session.ts'

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
  /** Sent to the callback alone, so that logins that nobody completes don't lengthen other requests. */
  readonly logins: Cookies
}

/**
 * Login by OpenID Connect: the authorization code flow with PKCE (RFC 7636), state and nonce. Roles are those of the realm and of the
 * client. The session's key is derived from the client's secret: all processes share it, and a new secret logs everybody out.
 */
export function createKeycloakAccess(login: DashboardLogin, host: Host): Access {
  const { issuer, url } = login
  const redirectUri = callbackOf(url)
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
    const { logins } = await sealing.get()
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
    const begun = await logins.seal(
      purposeOf(state),
      { verifier, nonce, page: localPage(page) },
      host.clock.now() + loginMs,
    )
    return reply
      .header('set-cookie', begun)
      .type('text/html; charset=utf-8')
      .send(`<!doctype html>${leaveFor(address)}`)
  }

  async function finish(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const configuration = await client.get()
    const { cookies, logins } = await sealing.get()
    const { cookie } = request.headers
    const asked = new URL(redirectUri)
    asked.search = new URL(request.url, redirectUri).search
    const state = asked.searchParams.get('state') ?? ''
    const begun = begunSchema.safeParse(await logins.open(purposeOf(state), cookie)).data
    // Keycloak ends the login of a tab with an error when another tab has logged in meanwhile.
    const hasEnded = !begun || asked.searchParams.has('error')
    if (hasEnded && (await openSession(cookies, cookie))) return reply.redirect(begun?.page ?? './', 303)
    if (!begun)
      throw new UsageError({
        found: 'The login was not started here, or took longer than 10 minutes',
        remedy: 'log in again',
      })
    const viewer = await exchangeCode(configuration, asked, { ...begun, state }, login).catch((error: unknown) => {
      // The secret may have been rotated, or the endpoints moved: the next login reads both again.
      for (const kept of [sealing, client]) kept.forget()
      throw error
    })
    const session = await cookies.seal('session', { viewer }, host.clock.now() + sessionMs)
    return reply.header('set-cookie', [session, logins.drop(purposeOf(state))]).redirect(begun.page, 303)
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
const begunSchema = z.object({ verifier: z.string(), nonce: z.string(), page: z.string() })

const callbackOf = (url: string): string => `${url}/dashboard/callback`

/**
 * A page that sends the browser on, because a redirect would be one of the form whose filter led here: browsers hold each of its
 * redirects to `form-action`, also those of the issuer to other identity providers (https://github.com/w3c/webappsec-csp/issues/8).
 */
function leaveFor({ href }: URL): Html {
  return html`<html lang="en"><head><meta charset="utf-8"><title>Log in</title><link rel="icon" href="icon.svg"><meta http-equiv="refresh" content="0; url=${href}"></head>
<body><p><a href="${href}">Log in</a></p></body></html>`
}

/** Each tab logs in on its own. */
const purposeOf = (state: string): string => `login-${state}`

function cookieSettings(url: string) {
  const { protocol, pathname, port } = new URL(url)
  const isSecure = protocol === 'https:'
  // Cookies of all ports of a host are the same (RFC 6265, section 8.5), so that workers on several would log each other out.
  const name = `${isSecure ? '__Secure-' : ''}hasura-sync-worker${port && `-${port}`}`
  return { name, path: pathname, isSecure }
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
  const secret = 'value' in given ? given.value : await readSecret(given.file, host)
  const key = new Uint8Array(hkdfSync('sha256', secret, 'hasura-sync-worker', 'dashboard session', 32))
  const settings = cookieSettings(url)
  const path = new URL(callbackOf(url)).pathname
  return {
    secret,
    cookies: createCookies(key, settings, host.clock),
    logins: createCookies(key, { ...settings, path }, host.clock),
  }
}

async function readSecret(path: string, { readSecretFile }: Host): Promise<string> {
  const text = await readSecretFile(path).catch((error: unknown) => {
    const told = explainSecretFile({ what: 'The file', path, of: 'of DASHBOARD_CLIENT_SECRET_FILE' }, error)
    throw new TransientError('dashboard-login', told)
  })
  return readValue(text).value
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
