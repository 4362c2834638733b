import { OutageError, PermanentError, TransientError, type WorkerError } from '../errors.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import { unknownOutcome } from './interpret-answer.ts'

/**
 * What it means that there is no answer: PermanentError (`too-large`), OutageError when the API can't be reached, TransientError
 * when one answer didn't come or broke off, UnknownOutcomeError when what may have been carried out must not be sent again.
 */
export function interpretFailure(error: unknown, request: ApiRequest): WorkerError {
  if (error instanceof PermanentError) return isRepeatable(request) ? error : unknownOutcome(error)
  const {
    words,
    neverSent,
    isTimeout,
    remedy = 'check that the API runs and that API_BASE_URL is right',
  } = describeNetworkFailure(error)
  const told = { found: `${request.name} got no answer, ${words}`, remedy }
  if (neverSent) return new OutageError('network', 'account', told)
  if (isRepeatable(request)) return new TransientError(isTimeout ? 'timeout' : 'network', told)
  return unknownOutcome(told)
}
