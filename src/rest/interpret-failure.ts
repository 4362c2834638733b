import { OutageError, TransientError, type WorkerError } from '../errors.ts'
import { describeNetworkFailure } from '../network-failure.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import { unknownOutcome } from './interpret-answer.ts'

/**
 * What it means that `fetch` threw: OutageError when the API can't be reached, TransientError when one answer didn't come or
 * broke off, UnknownOutcomeError when what may have been carried out must not be sent again.
 *
 * @param timedOut whether our own limit for one try ended it
 */
export function interpretFailure(error: unknown, timedOut: boolean, request: ApiRequest): WorkerError {
  const {
    words,
    neverSent,
    remedy = 'check that the API runs and that API_BASE_URL is right',
  } = describeNetworkFailure(error)
  const told = { found: `${request.name} got no answer, ${words}`, remedy }
  if (neverSent) return new OutageError('network', 'account', told)
  if (isRepeatable(request)) return new TransientError(timedOut ? 'timeout' : 'network', told)
  return unknownOutcome(told)
}
