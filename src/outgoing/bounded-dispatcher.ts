import { type Dispatcher, getGlobalDispatcher } from 'undici'
import type { PermanentError } from '../errors.ts'
import { type AnswerLimit, answerTooLarge } from './answer-too-large.ts'
import { BotCheckError, isBotCheck } from './bot-check.ts'
import { markUnsent } from './mark-unsent.ts'
import { overHttp1 } from './over-http1.ts'
import { passOn } from './pass-on.ts'
import { BrokenAnswerError, findCodings } from './read-body.ts'

/** The header that a request through a bounded dispatcher must have, because compressed responses are refused there. */
export const plainEncoding = { 'accept-encoding': 'identity' } as const

/**
 * For a library that calls `fetch` itself and accepts a dispatcher. A response beyond `maxBytes` ends with PermanentError
 * (`too-large`); one that is compressed in spite of `plainEncoding` ends with BrokenAnswerError, because `fetch` would decompress
 * it without a limit. A check for bots ends with BotCheckError. Each is the cause of what `fetch` throws.
 */
export function createBoundedDispatcher(limit: AnswerLimit): Dispatcher {
  const bounded = getGlobalDispatcher().compose(markUnsent, dispatch => (options, handler) => {
    const tooLarge = () => answerTooLarge(new URL(options.origin ?? '').host, limit)
    return dispatch(options, bound(handler, limit.maxBytes, tooLarge))
  })
  return overHttp1(bounded)
}

function bound(
  handler: Dispatcher.DispatchHandler,
  maxBytes: number,
  tooLarge: () => PermanentError,
): Dispatcher.DispatchHandler {
  let bytes = 0
  return {
    ...passOn(handler),
    onResponseStart(controller, status, headers, message) {
      if (isBotCheck({ get: name => [headers[name]].flat()[0] ?? null })) controller.abort(new BotCheckError())
      else if (findCodings(headers['content-encoding']))
        controller.abort(new BrokenAnswerError('UNKNOWN_CONTENT_ENCODING'))
      else handler.onResponseStart?.(controller, status, headers, message)
    },
    onResponseData(controller, chunk) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) controller.abort(tooLarge())
      else handler.onResponseData?.(controller, chunk)
    },
  }
}
