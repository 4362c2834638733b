import { type Dispatcher, Pool } from 'undici'

/** The proxy refused to connect to the server. With the same properties as Node's error for it. */
class ProxyRefusedError extends Error {
  readonly code = 'ERR_PROXY_TUNNEL'
  readonly statusCode: number

  constructor(statusCode: number) {
    super('The proxy refused to connect')
    this.statusCode = statusCode
  }
}

/** The proxy itself can't be reached; `cause` says why. */
class ProxyUnreachableError extends Error {
  readonly isOfProxy = true

  constructor(cause: unknown) {
    super('The proxy was not reached', { cause })
  }
}

/**
 * Connections to a proxy, for undici's agents, with errors of its own. undici's don't tell a proxy that is down from a server that is
 * down, nor the status of a refusal.
 */
export function createProxyClient(proxy: URL, options: Pool.Options): Dispatcher {
  return new Pool(proxy, options).compose(dispatch => (request, handler) => dispatch(request, tell(handler)))
}

function tell(handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler {
  let isReached = false
  return {
    onRequestStart(controller, context) {
      isReached = true
      handler.onRequestStart?.(controller, context)
    },
    onRequestUpgrade(controller, status, headers, socket) {
      if (status === 200) return handler.onRequestUpgrade?.(controller, status, headers, socket)
      socket.on('error', () => {}).destroy()
      return handler.onResponseError?.(controller, new ProxyRefusedError(status))
    },
    onResponseStart: (...start) => handler.onResponseStart?.(...start),
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError: (controller, error) =>
      handler.onResponseError?.(controller, isReached ? error : new ProxyUnreachableError(error)),
  }
}
