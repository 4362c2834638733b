import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

/** One answer of the script: JSON with status 200, or whatever a function does. */
export type Answer = object | ((request: IncomingMessage, response: ServerResponse) => void)

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string
  readonly requests: readonly { headers: IncomingMessage['headers']; body: unknown }[]
}

const address = z.object({ port: z.number() })

/** An HTTP server that gives these answers in turn, the last one for ever. */
export async function startScriptedServer(...answers: Answer[]): Promise<ScriptedServer> {
  const requests: { headers: IncomingMessage['headers']; body: unknown }[] = []
  const server = createServer((request, response) => {
    void text(request).then(body => {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? {}
      requests.push({ headers: request.headers, body: JSON.parse(body) })
      if (typeof answer === 'function') answer(request, response)
      else response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${address.parse(server.address()).port}/v1/graphql`,
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

/** Hasura's answer to an operation that it refuses. */
export function refused(code: string, message = 'canary', path = '$.selectionSet.articles'): object {
  return { errors: [{ message, extensions: { code, path } }] }
}
