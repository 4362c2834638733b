import { type Dispatcher, Pool } from 'undici'
import { explainEarlyFailure } from './mark-unsent.ts'

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
  return {
    ...explainEarlyFailure(handler, error => new ProxyUnreachableError(error)),
    onRequestUpgrade(controller, status, headers, socket) {
      if (status === 200) return handler.onRequestUpgrade?.(controller, status, headers, socket)
      socket.on('error', () => {}).destroy()
      return handler.onResponseError?.(controller, new ProxyRefusedError(status))
    },
  }
}
