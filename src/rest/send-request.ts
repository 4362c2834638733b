import type { Token } from '../auth/token.ts'
import { PermanentError } from '../errors.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Answer, Exchange, Limits } from '../outgoing/exchange.ts'

/** A body that can be sent more than once. */
export type RepeatableBody = string | Uint8Array<ArrayBuffer> | URLSearchParams | FormData | Blob

export interface Sendable {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RepeatableBody
}

/** Why there is no response. */
export interface Unanswered {
  readonly failure: unknown
}

/**
 * Sends a request once and reads its response to the end. Redirects aren't followed, so the token goes only to this URL.
 *
 * @throws the signal's reason
 */
export async function sendRequest(
  exchange: Exchange,
  { url, method, headers, body }: Sendable,
  token: Token,
  limits: Limits & { readonly signal: AbortSignal },
  trace: TraceHeaders | undefined,
): Promise<Answer | Unanswered> {
  const all = new Headers({ ...headers, ...trace })
  all.set('authorization', `Bearer ${token.value}`)
  try {
    return await exchange(url, { method, headers: all, ...(body !== undefined && { body }) }, limits)
  } catch (failure) {
    limits.signal.throwIfAborted()
    return { failure }
  }
}

/**
 * What `fetch` would refuse before sending, such as a GET with a body or a header with a line break, which would otherwise look
 * like a network failure.
 *
 * @throws PermanentError (`request`)
 */
export function checkSendable({ url, method, headers, body }: Sendable): void {
  try {
    new Request(url, { method, headers, ...(body !== undefined && { body }) })
  } catch {
    // Its own message repeats the header.
    throw new PermanentError(
      'request',
      'A request cannot be sent, because its method, a header, or having a body violates HTTP',
    )
  }
}
