import { exchange, type Limits, type Outgoing } from './exchange.ts'

/**
 * The exchange for a library that is given its `fetch`. The answer has been read, so nothing of it is left open whatever the library
 * does with it.
 */
export function exchangeAsFetch(limits: Omit<Limits, 'signal'>) {
  return async (address: string | URL, outgoing: Outgoing & { readonly signal?: AbortSignal }): Promise<Response> => {
    const { signal, ...sent } = outgoing
    const { status, headers, body } = await exchange(address, sent, { ...limits, ...(signal && { signal }) })
    return new Response(withoutBody.has(status) ? null : body, { status, headers })
  }
}

/** A `Response` with one of these takes no body (Fetch standard, "null body status"). */
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])
