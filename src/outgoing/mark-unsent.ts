import type { Dispatcher } from 'undici'
import { passOn } from './pass-on.ts'

/** A request failed before anything of it was sent: there was no connection, or its TLS handshake failed. `cause` says why. */
export class NotSentError extends Error {
  readonly neverSent = true

  constructor(cause: unknown) {
    super('The request was not sent', { cause })
  }
}

/**
 * Makes failures before the first byte of a request NotSentErrors. Only undici knows: a reset or a timeout has the same code while
 * it connects and while the server works on the request.
 */
export const markUnsent: Dispatcher.DispatcherComposeInterceptor = watchStart(() => {})

/** Does the same, and tells when the first byte of a request is about to be sent. */
export function watchStart(onStart: () => void): Dispatcher.DispatcherComposeInterceptor {
  return dispatch => (options, handler) =>
    dispatch(
      options,
      explainEarlyFailure(handler, error => new NotSentError(error), onStart),
    )
}

/** @param explain replaces an error from before the first byte of a request */
export function explainEarlyFailure(
  handler: Dispatcher.DispatchHandler,
  explain: (error: Error) => Error,
  onStart?: () => void,
): Dispatcher.DispatchHandler {
  let isStarted = false
  return {
    ...passOn(handler),
    onRequestStart(controller, context) {
      isStarted = true
      onStart?.()
      handler.onRequestStart?.(controller, context)
    },
    onResponseError: (controller, error) => handler.onResponseError?.(controller, isStarted ? error : explain(error)),
  }
}
