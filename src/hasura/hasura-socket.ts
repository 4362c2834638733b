import { z } from 'zod'
import { parseKeepingDigits } from '../json/exact-numbers.ts'
import { findJson } from '../json/parse-json.ts'

/** The part of a WebSocket that `graphql-ws` needs. */
interface Socket {
  readonly readyState: number
  send(text: string): void
  close(code?: number, reason?: string): void
  onopen: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
}

/** Finds out whether the server of a socket is still there. */
export interface Pulse {
  /** Asks for an answer: in the older protocol, which has no message for that, by a ping frame. */
  ask(): void
}

/** An error and the end of the same subscription follow each other closely. */
const mostRefused = 1_000

type SocketClass<S = Socket> = new (url: string | URL, protocols?: string | string[]) => S

interface PingingSocket extends Socket {
  /** Sends a ping frame. */
  ping(): void
}

/**
 * Adapts Hasura's sockets to a client that speaks `graphql-transport-ws` strictly.
 *
 * Hasura ends a refused subscription twice, with `error` and with `complete`, so the client would close the connection of all others. And
 * `graphql-ws` is the protocol of subscriptions-transport-ws, the only one of Hasura before 2.1. Later versions still refuse in its words,
 * whatever they speak otherwise, so both protocols are read alike.
 */
export function createHasuraSocketClass(
  Base: SocketClass<PingingSocket>,
  protocol: 'graphql-transport-ws' | 'graphql-ws',
  pulse: Pulse,
): SocketClass {
  return class HasuraSocket {
    static readonly CONNECTING = 0
    static readonly OPEN = 1
    static readonly CLOSING = 2
    static readonly CLOSED = 3
    onopen: ((event: unknown) => void) | null = null
    onclose: ((event: unknown) => void) | null = null
    onerror: ((event: unknown) => void) | null = null
    onmessage: ((event: { readonly data: string }) => void) | null = null
    readonly #socket: PingingSocket
    /** Subscriptions that were refused, and not yet completed. */
    readonly #refused = new Set<unknown>()
    #refusal: string | undefined

    constructor(url: string | URL) {
      this.#socket = new Base(url, protocol)
      pulse.ask = () => (protocol === 'graphql-transport-ws' ? this.send('{"type":"ping"}') : this.#socket.ping())
      this.#socket.onopen = (event: unknown) => this.onopen?.(event)
      this.#socket.onerror = (event: unknown) => this.onerror?.(event)
      this.#socket.onclose = (event: unknown) =>
        this.onclose?.(this.#refusal === undefined ? event : { code: 4403, reason: this.#refusal, wasClean: true })
      this.#socket.onmessage = ({ data }: { readonly data: unknown }) => this.#receive(String(data))
    }

    get readyState(): number {
      return this.#socket.readyState
    }

    send(text: string): void {
      if (protocol === 'graphql-transport-ws') this.#socket.send(text)
      else this.#sendLegacy(text)
    }

    #sendLegacy(text: string): void {
      const message = sentSchema.parse(findJson(text))
      if (message.type === 'ping' || message.type === 'pong') return
      this.#socket.send(JSON.stringify({ ...message, type: sent[message.type] }))
    }

    close(code?: number, reason?: string): void {
      this.#socket.close(code, reason)
    }

    #receive(text: string): void {
      const message = receivedSchema.safeParse(findJson(text)).data
      if (message?.type === 'complete' && this.#refused.delete(message.id)) return
      if (message?.type === 'error') {
        if (this.#refused.size >= mostRefused) this.#refused.clear()
        this.#refused.add(message.id)
      }
      if (message?.type === 'connection_error') {
        this.#refusal = typeof message.payload === 'string' ? message.payload : message.type
        this.#socket.close()
      } else if (message?.type !== 'ka') {
        this.onmessage?.({ data: translate(text, message) })
      }
    }
  }
}

/** The client refuses what isn't valid. */
function translate(text: string, message: Received | undefined): string {
  if (message?.type === 'data') return JSON.stringify({ ...Object(parseKeepingDigits(text)), type: 'next' })
  if (message?.type === 'error' && !Array.isArray(message.payload))
    return JSON.stringify({ ...message, payload: errorsOf(message.payload) })
  return text
}

const sent = { connection_init: 'connection_init', subscribe: 'start', complete: 'stop' } as const

const sentSchema = z.looseObject({ type: z.enum(['connection_init', 'subscribe', 'complete', 'ping', 'pong']) })
const receivedSchema = z.looseObject({ type: z.string(), id: z.unknown().optional(), payload: z.unknown().optional() })
type Received = z.output<typeof receivedSchema>
const listed = z.object({ errors: z.array(z.unknown()) })

function errorsOf(payload: unknown): readonly unknown[] {
  const several = listed.safeParse(payload)
  return several.success ? several.data.errors : [payload]
}
