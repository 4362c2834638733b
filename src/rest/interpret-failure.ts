import { OutageError, PermanentError, TransientError, type WorkerError } from '../errors.ts'
import { botCheckCode, describeNetworkFailure } from '../failures/network-failure.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import { unknownOutcome } from './interpret-answer.ts'

/**
 * The meaning of a missing response: PermanentError (`too-large`), OutageError if the API can't be reached, TransientError if the
 * response didn't arrive or was cut off, UnknownOutcomeError if the request may have been carried out and must not be repeated.
 */
export function interpretFailure(error: unknown, request: ApiRequest): WorkerError {
  if (error instanceof PermanentError) return isRepeatable(request) ? error : unknownOutcome(error)
  const {
    code,
    words,
    neverSent,
    isTimeout,
    remedy = `check that the API is running, and ${request.address}`,
  } = describeNetworkFailure(error)
  const told = { found: `${request.name} got no response, ${words}`, remedy }
  // A firewall may check one API only.
  if (neverSent) return new OutageError('network', code === botCheckCode ? 'job' : 'account', told)
  if (isRepeatable(request)) return new TransientError(isTimeout ? 'timeout' : 'network', told)
  return unknownOutcome(told)
}
