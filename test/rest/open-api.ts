import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { inspect } from 'node:util'
import { expect } from 'vitest'
import { z } from 'zod'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource, type TokenSource } from '../../src/auth/token-source.ts'
import { createRateBucket, type RateBucket } from '../../src/rest/rate-bucket.ts'
import { createRestApi, type RestApi } from '../../src/rest/rest-api.ts'
import { VirtualClock } from '../auth/virtual-clock.ts'

/** One answer of a script: JSON with status 200, or whatever a function does. */
export type Answer = object | ((request: IncomingMessage, response: ServerResponse) => void)

export interface ScriptedApi extends AsyncDisposable {
  readonly url: string
  readonly requests: { method: string; url: string; headers: IncomingHttpHeaders; body: string }[]
}

/** An HTTP server that gives these answers in turn, the last one for ever. */
export async function startScriptedApi(...answers: Answer[]): Promise<ScriptedApi> {
  const requests: ScriptedApi['requests'] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? {}
      requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      if (typeof answer === 'function') answer(request, response)
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = z.object({ port: z.number() }).parse(server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** An answer with this status, and JSON or text. */
export function status(code: number, body: object | string = '', headers: Record<string, string> = {}): Answer {
  return (_request, response) => {
    const isText = typeof body === 'string'
    response.writeHead(code, { 'content-type': isText ? 'text/html' : 'application/json', ...headers })
    response.end(isText ? body : JSON.stringify(body))
  }
}

export const cutOff: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '999' })
  response.write('{"canary', () => response.destroy())
}

export interface Access {
  readonly tokens: TokenSource
  readonly clock: VirtualClock
  readonly bucket: RateBucket
  fetched(): number
}

/** Tokens `canary-token-1`, `-2`, … on a virtual clock. */
export function createAccess(clock = new VirtualClock()): Access {
  let fetched = 0
  const tokens = createTokenSource({
    clock,
    requestToken: async () => {
      fetched += 1
      return new Token(`canary-token-${fetched}`, clock.now() + 3_600_000)
    },
  })
  return { tokens, clock, bucket: createRateBucket(clock), fetched: () => fetched }
}

export interface OpenApi extends Access, AsyncDisposable {
  readonly server: ScriptedApi
  readonly api: RestApi
}

/** A REST API with this script, below `/api`. */
export async function openApi(...answers: Answer[]): Promise<OpenApi> {
  const server = await startScriptedApi(...answers)
  const access = createAccess()
  const api = createRestApi({ ...access, baseUrl: `${server.url}/api`, timeoutMs: 60_000 })
  return { ...access, server, api, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** What a promise rejects with, after a look whether it holds anything that must not be shown. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => new Error('did not fail'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new TypeError('something that is no error was thrown')
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/canary/)
  return error
}

/** Everything that an iterable gives. */
export async function allOf<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of iterable) all.push(one)
  return all
}
