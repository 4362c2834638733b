import { Token } from '../../src/auth/token.ts'
import { createTokenSource, type TokenSource } from '../../src/auth/token-source.ts'
import { createRateBucket, type RateBucket } from '../../src/rest/rate-bucket.ts'
import { createRestApi, type RestApi } from '../../src/rest/rest-api.ts'
import { VirtualClock } from '../auth/virtual-clock.ts'
import { type Answer, type ScriptedServer, startScriptedServer } from '../fixtures/scripted-server.ts'

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
  readonly server: ScriptedServer
  readonly api: RestApi
}

/** A REST API with this script, below `/api`. */
export async function openApi(...answers: Answer[]): Promise<OpenApi> {
  const server = await startScriptedServer(...answers)
  const access = createAccess()
  const api = createRestApi({ ...access, baseUrl: `${server.url}/api`, timeoutMs: 60_000 })
  return { ...access, server, api, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

/** Everything that an iterable gives. */
export async function allOf<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const one of iterable) all.push(one)
  return all
}
