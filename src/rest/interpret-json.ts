import { OutageError, PermanentError, TransientError, type WorkerError } from '../errors.ts'
import { describeType } from '../failures/http-status.ts'
import { isPage } from '../failures/proxy-page.ts'
import { decodeJson } from '../json/decode-json.ts'
import { parseWithLargeAsText } from '../json/exact-numbers.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import { unknownOutcome, type Verdict } from './interpret-answer.ts'

/** A successful response, read to its end. */
interface Received {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
  readonly body: Uint8Array
}

interface Content {
  readonly status: number
  /** Large numbers are text; undefined without content. */
  readonly json: unknown
}

/** The JSON of a response, or the error if it isn't JSON. */
export function interpretJson(received: Received, request: ApiRequest): Verdict<Content> {
  const { status, headers, body } = received
  // A 404 is the answer to a DELETE that had already been carried out.
  if (status === 204 || status === 205 || status >= 400) {
    return { kind: 'done', value: { status, json: undefined } }
  }
  try {
    const text = decodeJson(body, headers.get('content-type'))
    return { kind: 'done', value: { status, json: parseWithLargeAsText(text ?? '') } }
  } catch {
    return { kind: 'error', error: explainNotJson(received, request) }
  }
}

/**
 * Ignores the content of a successful response, unless it is a page: then the API has not answered. After 207 only the content says
 * what failed (RFC 4918, section 13).
 */
export function ignoreContent(received: Received, request: ApiRequest): Verdict {
  if (isPage(received)) return { kind: 'error', error: explainNotJson(received, request) }
  if (received.status === 207) return { kind: 'error', error: explainUnreadParts(request) }
  return { kind: 'done', value: undefined }
}

function explainUnreadParts({ name }: ApiRequest): WorkerError {
  return new PermanentError('http-207', {
    found: `${name} was answered with HTTP 207, whose content says which parts have failed, and the request ignores it`,
    remedy: 'give the request a schema, and check each part of the answer',
  })
}

function explainNotJson({ status, headers, body }: Received, request: ApiRequest): WorkerError {
  const type = describeType(headers)
  const told = {
    found: `${request.name} was answered with HTTP ${status} and ${body.length > 0 ? `something that is not JSON (${type})` : 'an empty body'}`,
    remedy: `the response was cut off, or something else answers; check ${request.address}`,
  }
  if (!isRepeatable(request)) return unknownOutcome(told)
  if (/[/+]json$/i.test(type)) return new TransientError('not-json', told)
  // A page instead of JSON: a login, a proxy, or an application that answers every unknown path.
  return new OutageError('not-json', 'job', told)
}
