import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Webhook } from 'standardwebhooks'
import { z } from 'zod'
import { messageSchema } from '../test/webhooks/start-receiver.ts'
import { endedWebhook, webhookNames } from './jobs/names.ts'

/** What a receiver does with a message. */
export type ReceiverMood = 'well' | 'down' | 'slow' | 'broken'

/** A change of one row that a receiver got. */
export interface Delivered {
  readonly account: string
  readonly id: string
  readonly position: bigint
  /** In milliseconds since 1970. */
  readonly at: number
  /** It was answered with 2xx. */
  readonly isAccepted: boolean
}

/** Receives the webhooks of all accounts, and verifies them with the reference library. */
export interface ChaosReceiver extends AsyncDisposable {
  /** The settings that workers need to send to it. */
  readonly environment: Readonly<Record<string, string>>
  /** How it treats the messages that it usually accepts; those of `endedWebhook` are always answered with 410. */
  mood: ReceiverMood
  readonly delivered: readonly Delivered[]
  /** Messages whose signature or form is wrong, and ids that came with another body. */
  readonly wrong: readonly string[]
  /** Messages that came again. */
  readonly repeats: number
  /** Messages that were not accepted. */
  readonly refused: number
  /** Messages that were answered with 410, of each account. */
  readonly gone: ReadonlyMap<string, number>
}

/** How long a slow receiver takes, in milliseconds: less than a sender waits. */
const slowMs = 4_000

export async function openReceiver(): Promise<ChaosReceiver> {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const delivered: Delivered[] = []
  const wrong: string[] = []
  const bodies = new Map<string, string>()
  const gone = new Map<string, number>()
  let repeats = 0
  let refused = 0

  async function answer(response: ServerResponse, mood: ReceiverMood): Promise<boolean> {
    if (mood === 'slow') await delay(slowMs)
    // The message was taken in, and its sender can't know.
    if (mood === 'down') response.destroy()
    else response.writeHead(mood === 'broken' ? 500 : 204).end()
    return mood === 'well' || mood === 'slow'
  }

  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray().catch(() => [])).toString()
    const message = readMessage(secret, body, request.headers)
    if (!message) {
      // A worker whose clock is wrong learns the time from the refusal.
      if (!isOfAnotherTime(request.headers)) {
        wrong.push(`a message is not signed as it should be, or is not one: ${body.slice(0, 80)}`)
      }
      refused += 1
      response.writeHead(400).end()
      return
    }
    const { id, data } = message
    if (bodies.has(id)) repeats += 1
    if ((bodies.get(id) ?? body) !== body) wrong.push(`message ${id} came with two bodies`)
    bodies.set(id, body)
    if (data.webhook === endedWebhook) {
      gone.set(data.account, (gone.get(data.account) ?? 0) + 1)
      response.writeHead(410).end()
      return
    }
    const at = Date.now()
    const isAccepted = await answer(response, receiver.mood)
    if (!isAccepted) refused += 1
    for (const { key, position } of data.changes) {
      delivered.push({ account: data.account, id: key.id ?? '', position: BigInt(position), at, isAccepted })
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = z.object({ port: z.number() }).parse(server.address())
  const settings = webhookNames.flatMap(name => {
    const variable = name.toUpperCase().replaceAll('-', '_')
    return [
      [`${variable}_URL`, `http://127.0.0.1:${port}/${name}`],
      [`${variable}_SECRET`, secret],
    ]
  })
  const receiver: ChaosReceiver = {
    environment: { ...Object.fromEntries(settings), WEBHOOK_PRIVATE_HOSTS: '127.0.0.1' },
    mood: 'well',
    delivered,
    wrong,
    get repeats() {
      return repeats
    },
    get refused() {
      return refused
    },
    gone,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return receiver
}

/** What the reference library tolerates. */
const toleratedSeconds = 300

function isOfAnotherTime(headers: IncomingHttpHeaders): boolean {
  const seconds = Number(headers['webhook-timestamp'])
  return Math.abs(seconds - Date.now() / 1_000) > toleratedSeconds
}

function readMessage(secret: string, body: string, given: object) {
  try {
    const headers = z.record(z.string(), z.string()).parse(given)
    new Webhook(secret).verify(body, headers)
    return { id: headers['webhook-id'] ?? '', data: messageSchema.parse(JSON.parse(body)).data }
  } catch {
    return undefined
  }
}
