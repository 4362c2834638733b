import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'

/** What a server does when it has opened a socket, or gets a message on it. */
export interface SocketScript {
  /** Default: `graphql-transport-ws`. */
  readonly protocol?: string
  /** Instead of opening sockets. */
  readonly onUpgrade?: (socket: Duplex) => void
  readonly onOpen?: (socket: WebSocket) => void
  /** Default: acknowledges the connection, and answers pings. */
  readonly onMessage?: (socket: WebSocket, message: SentMessage) => void
}

export type SentMessage = z.output<typeof sentSchema>

export const acknowledgement = '{"type":"connection_ack"}'

/** As a server by the book. */
export function answer(socket: WebSocket, { type }: SentMessage): void {
  if (type === 'connection_init') socket.send(acknowledgement)
  if (type === 'ping') socket.send('{"type":"pong"}')
}

/** Speaks `graphql-transport-ws` as a script says. @param tls for `https:` */
export async function startSocketServer(
  script: SocketScript,
  tls?: ServerOptions,
): Promise<AsyncDisposable & { readonly url: string; readonly open: number; readonly attempts: number }> {
  const { protocol = 'graphql-transport-ws' } = script
  const server: Server = tls ? createTlsServer(tls) : createServer()
  const sockets = new Set<Duplex>()
  const upgrading = new WebSocketServer({
    noServer: true,
    perMessageDeflate: true,
    handleProtocols: offered => offered.has(protocol) && protocol,
  })
  let attempts = 0
  server.on('upgrade', (request, socket, head) => {
    attempts += 1
    sockets.add(socket)
    // The client's end: who leaves this one open is the server.
    for (const event of ['end', 'close']) socket.on(event, () => sockets.delete(socket))
    socket.on('error', () => {})
    if (script.onUpgrade) return script.onUpgrade(socket.resume())
    upgrading.handleUpgrade(request, socket, head, opened => {
      opened.on('error', () => {})
      opened.on('message', data => (script.onMessage ?? answer)(opened, sentSchema.parse(JSON.parse(String(data)))))
      script.onOpen?.(opened)
    })
  })
  const { url, ...listening } = await listenOnLoopback(server)
  return {
    url: `${tls ? url.replace('http:', 'https:') : url}/v1/graphql`,
    get open() {
      return sockets.size
    },
    get attempts() {
      return attempts
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await listening[Symbol.asyncDispose]()
    },
  }
}

const sentSchema = z.looseObject({ type: z.string(), id: z.string().optional() })
