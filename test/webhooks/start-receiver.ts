import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'

export const messageSchema = z.strictObject({
  type: z.literal('mirror.changes'),
  data: z.strictObject({
    webhook: z.string(),
    account: z.string(),
    table: z.string(),
    changes: z.array(
      z.strictObject({
        position: z.string(),
        op: z.enum(['upsert', 'delete']),
        key: z.record(z.string(), z.string()),
        row: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
  }),
})

export interface Received {
  readonly id: string
  readonly body: string
  readonly headers: IncomingHttpHeaders
  readonly data: z.output<typeof messageSchema>['data']
}

export interface Receiver extends AsyncDisposable {
  readonly url: string
  /** Everything that came and that the reference library accepts, in its order. */
  readonly received: Received[]
  /** Answers from now on; default 204. */
  answer(with_: (response: ServerResponse, message: Received) => unknown): void
}

/** A subscriber that verifies what it is sent with the reference library, and remembers it. */
export async function startReceiver(secret: string): Promise<Receiver> {
  const accept = (response: ServerResponse) => response.writeHead(204).end()
  let answer: (response: ServerResponse, message: Received) => unknown = accept
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    const headers = z.record(z.string(), z.string()).parse(request.headers)
    new Webhook(secret).verify(body, headers)
    const { data } = messageSchema.parse(JSON.parse(body))
    const message = { id: headers['webhook-id'] ?? '', body, headers: request.headers, data }
    received.push(message)
    await answer(response, message)
  })
  const listening = await listenOnLoopback(server)
  return {
    ...listening,
    url: `${listening.url}/hooks`,
    received,
    answer(with_) {
      answer = with_
    },
  }
}
