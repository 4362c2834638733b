import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, startScriptedServer } from '../fixtures/scripted-server.ts'

export interface ScriptedHasura extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly { headers: IncomingHttpHeaders; body: unknown }[]
}

/** A GraphQL endpoint that gives these answers in turn, the last one for ever. */
export async function startScriptedHasura(...answers: Answer[]): Promise<ScriptedHasura> {
  const server = await startScriptedServer(...answers)
  return {
    ...server,
    url: `${server.url}/v1/graphql`,
    get requests() {
      return server.requests.map(({ headers, body }) => ({ headers, body: JSON.parse(body) }))
    },
  }
}

/** Hasura's answer to an operation that it refuses. */
export function refused(code: string, message = 'canary', path = '$.selectionSet.articles'): object {
  return { errors: [{ message, extensions: { code, path } }] }
}
