import type { IncomingHttpHeaders, IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { HasuraError } from '../hasura-error.ts'
import type { GraphQLRequest } from '../parse-request.ts'
import type { Session } from '../session.ts'
import { type LiveQuery, type Polling, startLiveQuery } from './live-query.ts'
import {
  acknowledgement,
  type ClientMessage,
  closeReason,
  completeMessage,
  dataMessage,
  keepAlive,
  parseClientMessage,
  refusalMessage,
  type Subprotocol,
  subprotocolOf,
} from './messages.ts'

/** Milliseconds; Hasura's defaults. */
const defaultRefetchMs = 1_000
const keepAliveMs = 5_000
const initWithinMs = 3_000

/** The server's sockets, in addition to its requests over HTTP. */
export interface Sockets {
  /** Those that are open. */
  readonly open: readonly OpenSocket[]
  /** How many have been opened, including refused ones. */
  readonly attempts: number
  /** Destroys all connections, like a network failure. */
  drop(): void
  /** Ends all with a close frame. */
  close(code: number, reason: string): void
  /** Says and hears nothing on the open ones any more, as a machine that is gone: no connection is ended. */
  freeze(): void
  /** Treats all changes since the last poll as sent. */
  evict(): void
  /** Resolves when the changes that were committed before have been sent to each subscription. */
  polled(): Promise<void>
  /** Delays the polls of live queries by this long. */
  delay(ms: number): void
  /** Handshakes get this response, as from a proxy that refuses upgrades; undefined accepts them. */
  refuse(status: number | undefined): void
  /** A server that knows only the older protocol; undefined for both. */
  setProtocol(only: 'graphql-ws' | undefined): void
}

export interface OpenSocket {
  readonly protocol: Subprotocol
  readonly role: string | undefined
  /** The names of its subscriptions' operations. */
  readonly subscriptions: readonly (string | undefined)[]
}

export interface SocketHandler {
  authenticate(
    headers: IncomingHttpHeaders,
  ): Promise<{ readonly session: Session; readonly expiresAt: number | undefined }>
  isSubscription(request: GraphQLRequest): boolean
  subscribe(request: GraphQLRequest, session: Session): () => Promise<string | undefined>
  execute(request: GraphQLRequest, session: Session): Promise<string>
}

interface Connection extends OpenSocket {
  readonly socket: WebSocket
  isFrozen: boolean
  readonly queries: Map<string, { readonly name: string | undefined; readonly live: LiveQuery }>
  identity: Awaited<ReturnType<SocketHandler['authenticate']>> | undefined
}

/** Serves the two WebSocket protocols at /v1/graphql as Hasura v2 does: `Transport.WebSocket` in its source. */
export function serveSockets(
  server: Server,
  handler: SocketHandler,
  { refetchMs = defaultRefetchMs }: { readonly refetchMs?: number | undefined } = {},
): Sockets {
  const connections = new Set<Connection>()
  const state = {
    attempts: 0,
    delayMs: 0,
    refusedWith: undefined as number | undefined,
    only: undefined as 'graphql-ws' | undefined,
  }
  const polling: Polling = { refetchMs, delayMs: () => state.delayMs }

  server.on('upgrade', (request, socket, head) => {
    state.attempts += 1
    // A peer that has left must not crash the process.
    socket.on('error', () => {})
    accept(request, socket, head).catch(() => socket.destroy())
  })

  async function accept(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const status = request.url?.split('?')[0] === '/v1/graphql' ? state.refusedWith : 404
    if (status !== undefined) {
      socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`)
      return
    }
    const { WebSocketServer } = await import('ws')
    const protocol = state.only ?? subprotocolOf(request.headers['sec-websocket-protocol'])
    // Hasura answers with its choice also where the client has not offered it.
    const upgrading = new WebSocketServer({ noServer: true, handleProtocols: () => protocol })
    upgrading.handleUpgrade(request, socket, head, opened => talk(opened, protocol, request.headers))
  }

  function talk(socket: WebSocket, protocol: Subprotocol, handshake: IncomingHttpHeaders): void {
    const queries: Connection['queries'] = new Map()
    const connection: Connection = {
      socket,
      isFrozen: false,
      protocol,
      queries,
      identity: undefined,
      get role() {
        return connection.identity?.session.role
      },
      get subscriptions() {
        return [...queries.values()].map(({ name }) => name)
      },
    }
    connections.add(connection)
    const send = (text: string) => {
      if (!connection.isFrozen) socket.send(text)
    }
    const pings = setInterval(() => send(keepAlive(protocol)), keepAliveMs)
    const untilInit = setTimeout(() => {
      if (protocol === 'graphql-transport-ws') socket.close(4408, 'Connection initialisation timed out')
    }, initWithinMs)
    let untilExpiry: NodeJS.Timeout | undefined
    let turn: Promise<void> = Promise.resolve()

    async function init(message: Extract<ClientMessage, { kind: 'init' }>): Promise<void> {
      clearTimeout(untilInit)
      try {
        const identity = await handler.authenticate({ ...handshake, ...asReceived(message.headers) })
        connection.identity = identity
        clearTimeout(untilExpiry)
        // Hasura ends the thread of a connection whose token has expired: there is no close frame.
        if (identity.expiresAt !== undefined) {
          untilExpiry = setTimeout(() => socket.terminate(), Math.max(0, identity.expiresAt - Date.now()))
        }
        send(acknowledgement)
        send(keepAlive(protocol))
      } catch (error) {
        if (!(error instanceof HasuraError)) throw error
        if (protocol === 'graphql-transport-ws') return socket.close(4403, closeReason('4403: Forbidden'))
        send(JSON.stringify({ type: 'connection_error', payload: error.message }))
        socket.close(4400, closeReason(`4400: Connection initialization failed: ${error.message}`))
      }
    }

    function refuseStart(id: string, why: string): void {
      if (protocol === 'graphql-transport-ws') {
        send(JSON.stringify({ type: 'error', id, payload: why }))
        socket.close(1000, closeReason(`4400: ${why}`))
        return
      }
      send(JSON.stringify({ type: 'error', id, payload: new HasuraError('start-failed', why).toJson() }))
      send(completeMessage(id))
    }

    async function start({ id, request }: Extract<ClientMessage, { kind: 'start' }>): Promise<void> {
      if (queries.has(id)) return refuseStart(id, `an operation already exists with this id: ${id}`)
      const { identity } = connection
      if (!identity) return refuseStart(id, 'start received before the connection is initialised')
      try {
        if (!handler.isSubscription(request)) {
          send(dataMessage(protocol, id, await handler.execute(request, identity.session)))
          send(completeMessage(id))
          return
        }
        const look = handler.subscribe(request, identity.session)
        const live = startLiveQuery(look, payload => send(dataMessage(protocol, id, payload)), polling)
        queries.set(id, { name: request.operationName ?? /subscription\s+(\w+)/.exec(request.query)?.[1], live })
      } catch (error) {
        if (!(error instanceof HasuraError)) throw error
        send(refusalMessage(protocol, id, error))
        send(completeMessage(id))
      }
    }

    async function receive(text: string): Promise<void> {
      let message: ClientMessage
      try {
        message = parseClientMessage(text)
      } catch (error) {
        const why = `parsing ClientMessage failed: ${Error.isError(error) ? error.message : ''}`
        if (protocol === 'graphql-ws') return send(JSON.stringify({ type: 'connection_error', payload: why }))
        return socket.close(4400, closeReason(`4400: Parsing client message failed: ${why}`))
      }
      switch (message.kind) {
        case 'init':
          return init(message)
        case 'start':
          return start(message)
        case 'stop':
          queries.get(message.id)?.live.stop()
          queries.delete(message.id)
          return
        case 'ping':
          return send(
            JSON.stringify({ type: 'pong', ...(message.payload !== undefined && { payload: message.payload }) }),
          )
        case 'terminate':
          return socket.close(1000, 'GQL_CONNECTION_TERMINATE received')
        case 'pong':
      }
    }

    // One message after the other, as Hasura processes them.
    socket.on('message', data => {
      turn = turn.then(() => receive(String(data))).catch(() => socket.terminate())
    })
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      connections.delete(connection)
      clearInterval(pings)
      clearTimeout(untilInit)
      clearTimeout(untilExpiry)
      for (const { live } of queries.values()) live.stop()
    })
  }

  return {
    get open() {
      return [...connections].map(({ protocol, role, subscriptions }) => ({ protocol, role, subscriptions }))
    },
    get attempts() {
      return state.attempts
    },
    drop() {
      for (const { socket } of connections) socket.terminate()
    },
    close(code, reason) {
      for (const { socket } of connections) socket.close(code, reason)
    },
    freeze() {
      for (const connection of connections) {
        connection.isFrozen = true
        connection.socket.pause()
      }
    },
    evict() {
      for (const { queries } of connections) for (const { live } of queries.values()) live.evict()
    },
    async polled() {
      const all = [...connections].flatMap(({ queries }) => [...queries.values()])
      await Promise.all(all.map(({ live }) => live.polled()))
    },
    delay(ms) {
      state.delayMs = ms
    },
    refuse(status) {
      state.refusedWith = status
    },
    setProtocol(only) {
      state.only = only
    },
  }
}

/** Node gives the bytes of a header as characters. */
function asReceived(headers: ReadonlyMap<string, string>): IncomingHttpHeaders {
  return Object.fromEntries([...headers].map(([name, value]) => [name, Buffer.from(value).toString('latin1')]))
}
