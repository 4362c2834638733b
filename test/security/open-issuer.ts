import { createServer } from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'

export const api = { audience: 'hasura-sync-worker', role: 'request-jobs' }

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function makeKey(kid: string, alg = 'RS256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** What an access token of a Keycloak realm says, for the worker's API. */
export function accessClaims(issuer: string, now = Date.now()): Record<string, unknown> {
  const seconds = Math.floor(now / 1_000)
  return {
    exp: seconds + 300,
    iat: seconds,
    jti: 'trrtcc:6d1f1c0e-6d3c-4a83-9f0e-6b1e4d3a2f10',
    iss: issuer,
    aud: [api.audience, 'account'],
    sub: '0b6cf2a1-5f0e-4c5f-8f6e-8f1f5b5f0a11',
    typ: 'Bearer',
    azp: 'some-client',
    acr: '1',
    resource_access: { [api.audience]: { roles: [api.role] } },
    scope: 'profile email',
    preferred_username: 'service-account-some-client',
    client_id: 'some-client',
  }
}

/** Signed with the key, whatever the header and the claims say. */
export function sign(key: SigningKey, claims: Record<string, unknown>, header: Record<string, unknown> = {}) {
  const full: JWTHeaderParameters = { typ: 'JWT', kid: key.kid, ...header, alg: key.alg }
  return new SignJWT(claims).setProtectedHeader(full).sign(key.privateKey)
}

/** An issuer whose keys are what the test says, as long as it answers. */
export async function openIssuer(...keys: SigningKey[]) {
  const others: unknown[] = []
  const state = { keys, others, isAway: false, asked: 0, beforeAnswer: async () => {} }
  const server = createServer(async ({ url }, response) => {
    if (url === '/keys') state.asked += 1
    await state.beforeAnswer()
    if (state.isAway) return void response.writeHead(503).end()
    const body =
      url === '/keys'
        ? { keys: [...state.others, ...state.keys.map(({ jwk }) => jwk)] }
        : { issuer, jwks_uri: `${issuer}/keys` }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  const listening = await listenOnLoopback(server)
  const issuer = listening.url
  return { issuer, state, [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose]() }
}

export type OpenIssuer = Awaited<ReturnType<typeof openIssuer>>
