import { createHash, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { makeKey, sign } from '../security/open-issuer.ts'

/** Who logs in, and what their tokens say. */
export interface Person {
  readonly name: string
  readonly roles: readonly string[]
}

/** An issuer with an authorization endpoint that lets the person in at once, and holds the client to PKCE. */
export async function openLoginIssuer(client: { readonly id: string; readonly secret: string }) {
  const key = await makeKey('login')
  const state: {
    person: Person
    nonce: string | undefined
    broker: string | undefined
    tokenFault: 'closes the connection' | 'answers 502' | 'has another clock' | undefined
  } = {
    person: { name: 'Ada', roles: [] },
    nonce: undefined,
    /** Another origin through which it sends browsers, as Keycloak sends them to an identity provider. */
    broker: undefined,
    /** What goes wrong at the token endpoint. */
    tokenFault: undefined,
  }
  const codes = new Map<string, { readonly challenge: string; readonly nonce: string }>()
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', issuer)
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (url.pathname === '/auth' && state.broker !== undefined && !url.searchParams.has('brokered')) {
      url.searchParams.set('brokered', 'true')
      const there = `${state.broker}/?${new URLSearchParams({ back: url.href })}`
      return void response.writeHead(302, { location: there }).end()
    }
    if (url.pathname === '/auth') {
      const code = randomUUID()
      const { searchParams: asked } = url
      codes.set(code, { challenge: asked.get('code_challenge') ?? '', nonce: state.nonce ?? asked.get('nonce') ?? '' })
      const back = new URL(asked.get('redirect_uri') ?? '')
      back.search = new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer }).toString()
      return void response.writeHead(302, { location: back.href }).end()
    }
    if (url.pathname === '/token') {
      const form = new URLSearchParams(await text(request))
      const known = codes.get(form.get('code') ?? '')
      codes.delete(form.get('code') ?? '')
      const verified = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      // RFC 6749, section 2.3.1: both parts are form-encoded.
      const shown = Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString()
      if (decodeURIComponent(shown) !== `${client.id}:${client.secret}`) {
        return void json(401, { error: 'unauthorized_client' })
      }
      if (!known || known.challenge !== verified) return void json(400, { error: 'invalid_grant' })
      if (state.tokenFault === 'closes the connection') return void request.socket.destroy()
      if (state.tokenFault === 'answers 502') return void response.writeHead(502).end('<html>')
      const seconds = Math.floor(Date.now() / 1_000) - (state.tokenFault === 'has another clock' ? 3_600 : 0)
      const claims = { iss: issuer, sub: 'ada', iat: seconds, exp: seconds + 300 }
      const { name, roles } = state.person
      return void json(200, {
        token_type: 'Bearer',
        expires_in: 300,
        id_token: await sign(key, { ...claims, aud: client.id, nonce: known.nonce, name }),
        access_token: await sign(key, { ...claims, aud: 'account', resource_access: { [client.id]: { roles } } }),
      })
    }
    return void json(200, {
      issuer,
      authorization_endpoint: `${issuer}/auth`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/keys`,
      end_session_endpoint: `${issuer}/end`,
      authorization_response_iss_parameter_supported: true,
    })
  })
  const listening = await listenOnLoopback(server)
  const issuer = listening.url
  return { issuer, state, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() }
}
