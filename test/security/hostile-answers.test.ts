import { parse } from 'graphql'
import { UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { LoginServer } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { WorkerError } from '../../src/errors.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { createKeycloakAdmin } from '../../src/rest/keycloak-admin.ts'
import { createRestApi } from '../../src/rest/rest-api.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { errorOf } from '../fixtures/failure-of.ts'
import { type HostileServer, hostileAnswers, startHostileServer } from './hostile-server.ts'

let server: HostileServer
beforeAll(async () => {
  server = await startHostileServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const timeoutMs = 1_000
/** Above all default limits but Hasura's, which is asked for as much here. */
const maxBytes = 2 ** 20

async function logIn(at: LoginServer, signal: AbortSignal): Promise<unknown> {
  const secret = { value: 'canary-secret' }
  const login = { server: at, clientId: 'sync', scopes: [], method: 'client_secret_basic' as const, secret }
  return createRequestToken(login, { clock: systemClock, readSecretFile: async () => '', timeoutMs })(undefined, signal)
}

/** A caller is told as by an API, so that it can be looked at as the others. */
async function authorize(callers: { issuer: string; jwksUrl?: string }): Promise<unknown> {
  const token = new UnsecuredJWT({ iss: callers.issuer, aud: 'worker', exp: 4e9 }).encode()
  const signed = `${btoa('{"alg":"RS256","typ":"JWT","kid":"k"}').replaceAll('=', '')}.${token.split('.')[1]}.c2ln`
  const verdict = await createAuthorize({ ...callers, audience: 'worker', role: 'r' })(`Bearer ${signed}`)
  throw verdict.allowed ? new Error('let in') : new StatusError(verdict.status)
}

class StatusError extends Error {
  readonly status: number

  constructor(status: number) {
    super(`refused with ${status}`)
    this.status = status
  }
}

/** Every client that this worker has, each asked for one thing. */
const clients: Readonly<Record<string, (url: string, signal: AbortSignal) => Promise<unknown>>> = {
  'a query to Hasura': (url, signal) => hasura(url).query(parse('{ users { id } }'), {}, { signal, maxBytes }),
  'a mutation of Hasura': (url, signal) => hasura(url).mutate(parse('mutation { a }'), {}, { signal, maxBytes }),
  'a login by discovery': (url, signal) => logIn({ issuer: `${url}/realms/r` }, signal),
  'a login at a token endpoint': (url, signal) => logIn({ tokenUrl: `${url}/token` }, signal),
  'a caller, by the discovery of keys': url => authorize({ issuer: `${url}/realms/r` }),
  'a caller, by a key set': url => authorize({ issuer: 'https://id.example', jwksUrl: `${url}/certs` }),
  'a read of a REST API': (url, signal) => rest(url).get('/x', { schema: z.unknown(), signal, maxBytes }),
  'a write to a REST API': (url, signal) => rest(url).post('/x', { body: {}, signal, maxBytes }),
  'a download from a REST API': (url, signal) => rest(url).fetch('/x', { signal, maxBytes }),
  'a read of Keycloak’s Admin API': (url, signal) => admin(url, signal).users.find(),
  'a write to Keycloak’s Admin API': (url, signal) => admin(url, signal).users.create({ username: 'canary-body' }),
}

function hasura(url: string) {
  const { tokens, clock } = createAccess()
  return createHasuraClient({ url, role: 'viewer', tokens, clock, timeoutMs })
}

function rest(url: string) {
  return createRestApi({ ...createAccess(), baseUrl: url, timeoutMs })
}

function admin(url: string, signal: AbortSignal) {
  return createKeycloakAdmin({ ...createAccess(), issuer: `${url}/realms/r`, signal, timeoutMs })
}

/**
 * That no `error` event without a listener ends the process is seen by Vitest, which fails on one. It can't come later either: when
 * the client has its failure and its signal has fired, nothing is under way any more.
 */
describe.concurrent.each(Object.entries(clients))('%s', (_client, ask) => {
  test.each(Object.entries(hostileAnswers))('survives %s, and leaves nothing open', async (_answer, answer) => {
    const address = server.answering(answer)
    // On a busy machine the deadline may pass before the server has got the request.
    while (address.requests() === 0) {
      const run = new AbortController()
      const error = await errorOf(ask(address.url, run.signal))
      run.abort()
      await address.atRest()
      expect(error instanceof WorkerError || error instanceof StatusError).toBe(true)
    }
  })
})
