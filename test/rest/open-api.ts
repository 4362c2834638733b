import { createRestApi, type RestApi } from '../../src/rest/rest-api.ts'
import { type Access, createAccess } from '../fixtures/create-access.ts'
import { type Answer, type ScriptedServer, startScriptedServer } from '../fixtures/scripted-server.ts'

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
