import type { Duplex } from 'node:stream'
import { Dispatcher, getGlobalDispatcher, ping, WebSocket } from 'undici'
import { overHttp1 } from './over-http1.ts'
import { passOn } from './pass-on.ts'

/** Bytes of one message, decompressed. A larger one ends the connection. */
const maxMessageBytes = 1_048_576

/** The response that didn't upgrade the request to a WebSocket. */
export interface Handshake {
  /** 101 for an upgrade; undefined without a response. */
  status: number | undefined
  /** Those of a response that isn't an upgrade. */
  headers: Pick<Headers, 'get'>
  /** Why there is no response. */
  failure: unknown
  /** The connection, once the server has accepted: undici leaves it open if the response isn't as expected. */
  socket: Duplex | undefined
}

/**
 * A WebSocket class whose connections use the same proxies and trust the same authorities as all other requests.
 *
 * @param handshake receives the response to the upgrade, which a WebSocket doesn't expose
 */
export function createWebSocketClass(
  handshake: Handshake,
): new (
  url: string | URL,
  protocols?: string | string[],
) => WebSocket & { ping(): void } {
  return class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      const headers = { 'user-agent': 'hasura-sync-worker' }
      super(url, {
        dispatcher: new ObservedDispatcher(handshake),
        headers,
        ...(protocols !== undefined && { protocols }),
      })
    }

    /** Sends a ping frame, which every server answers, whatever it speaks (RFC 6455, section 5.5.2). */
    ping(): void {
      ping(this)
    }
  }
}

class ObservedDispatcher extends Dispatcher {
  /** Read by undici's WebSocket. */
  readonly webSocketOptions = { maxPayloadSize: maxMessageBytes, maxFragments: 1_024 }
  readonly #shared: Dispatcher

  constructor(handshake: Handshake) {
    super()
    this.#shared = overHttp1(getGlobalDispatcher()).compose(
      dispatch => (options, handler) => dispatch(options, observe(handler, handshake)),
    )
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#shared.dispatch(options, handler)
  }
}

function observe(handler: Dispatcher.DispatchHandler, handshake: Handshake): Dispatcher.DispatchHandler {
  return {
    ...passOn(handler),
    onRequestUpgrade(controller, status, headers, socket) {
      handshake.status = status
      handshake.socket = socket
      handler.onRequestUpgrade?.(controller, status, headers, socket)
    },
    onResponseStart(controller, status, headers, message) {
      handshake.status = status
      handshake.headers = { get: name => [headers[name]].flat()[0] ?? null }
      handler.onResponseStart?.(controller, status, headers, message)
    },
    onResponseError(controller, error) {
      handshake.failure = error
      handler.onResponseError?.(controller, error)
    },
  }
}
