import type { Token } from '../auth/token.ts'
import { PermanentError } from '../errors.ts'

/** A body that can be sent more than once. */
export type RepeatableBody = string | Uint8Array<ArrayBuffer> | URLSearchParams | FormData | Blob

export interface Sendable {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: RepeatableBody
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  /** Empty when the status says that it won't be used. */
  readonly body: Uint8Array<ArrayBuffer>
}

/** What `fetch` threw, and whether it was our own limit. */
export interface Unanswered {
  readonly failure: unknown
  readonly timedOut: boolean
}

/**
 * Sends a request once and reads its answer to the end. Redirects aren't followed, so the token goes to this URL alone.
 *
 * @throws the signal's reason
 */
export async function sendRequest(
  { fetch, timeoutMs }: { readonly fetch: typeof globalThis.fetch; readonly timeoutMs: number },
  { url, method, headers, body }: Sendable,
  token: Token,
  signal: AbortSignal,
): Promise<Answered | Unanswered> {
  signal.throwIfAborted()
  const timeout = AbortSignal.timeout(timeoutMs)
  const all = new Headers(headers)
  all.set('authorization', `Bearer ${token.value}`)
  try {
    const response = await fetch(url, {
      method,
      headers: all,
      ...(body !== undefined && { body }),
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
    })
    if (response.ok) {
      return { status: response.status, headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) }
    }
    // What an error says isn't read, but its connection is wanted back.
    await response.body?.cancel()
    return { status: response.status, headers: response.headers, body: new Uint8Array() }
  } catch (failure) {
    signal.throwIfAborted()
    return { failure, timedOut: timeout.aborted }
  }
}

/**
 * What `fetch` would refuse before it sends anything, such as a GET with a body or a header with a line break, and what would
 * otherwise look like a failing network.
 *
 * @throws PermanentError (`request`)
 */
export function checkSendable({ url, method, headers, body }: Sendable): void {
  try {
    new Request(url, { method, headers, ...(body !== undefined && { body }) })
  } catch {
    // Its own words repeat the header.
    throw new PermanentError(
      'request',
      'A request can not be sent, because its method, a header, or having a body is against HTTP',
    )
  }
}
