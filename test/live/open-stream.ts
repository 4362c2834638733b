import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { z } from 'zod'

export interface StreamClient extends AsyncDisposable {
  /** Of the rows that it was sent. */
  readonly ids: ReadonlySet<number>
  readonly isOpen: boolean
}

const batchSize = 5

/**
 * What Hasura's documentation shows of streaming subscriptions: a client that begins at the present, takes each batch, and goes on from
 * the last row's cursor when its connection was lost.
 */
export function openStream(url: string, table: string, getToken: () => Promise<string>): StreamClient {
  const ids = new Set<number>()
  const stopped = new AbortController()
  let cursor = new Date().toISOString()
  let isOpen = false
  const answer = z.object({ data: z.record(z.string(), z.array(z.object({ id: z.number(), updated_at: z.string() }))) })
  const query = `subscription Stream($at: timestamptz!) {
    ${table}_stream(batch_size: ${batchSize}, cursor: { initial_value: { updated_at: $at } }) { id updated_at }
  }`

  async function streamOnce(): Promise<void> {
    const headers = { authorization: `Bearer ${await getToken()}`, 'x-hasura-role': 'viewer' }
    const client = createClient({
      url: url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      retryAttempts: 0,
      connectionParams: { headers },
      on: {
        connected: () => {
          isOpen = true
        },
      },
    })
    const ended = Promise.withResolvers<void>()
    stopped.signal.addEventListener('abort', () => void client.dispose())
    client.subscribe(
      { query, variables: { at: cursor } },
      {
        next(result) {
          for (const rows of Object.values(answer.parse(result).data)) {
            for (const { id, updated_at: at } of rows) {
              ids.add(id)
              cursor = at
            }
          }
        },
        error: () => ended.resolve(),
        complete: () => ended.resolve(),
      },
    )
    await ended.promise
  }

  async function keepStreaming(): Promise<void> {
    while (!stopped.signal.aborted) {
      await streamOnce()
      await sleep(50)
    }
  }

  const streaming = keepStreaming()
  return {
    ids,
    get isOpen() {
      return isOpen
    },
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await streaming
    },
  }
}
