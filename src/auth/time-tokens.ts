import { RefusalError } from '../errors.ts'
import type { TokenFetch } from '../observer/observer.ts'
import type { Clock } from '../time/clock.ts'
import type { RequestToken } from './token-source.ts'

/** Observes fetches of tokens. */
export interface TokenWatch {
  /** Wraps every fetch. */
  during<T>(work: () => Promise<T>): Promise<T>
  /** Called inside, with the result; not for a fetch that nobody waits for any more. */
  fetched(fetch: TokenFetch): void
}

export function timeTokens(requestToken: RequestToken, clock: Clock, watch: TokenWatch): RequestToken {
  const fetchToken: RequestToken = async (previous, signal) => {
    const askedAt = clock.elapsed()
    const told = (outcome: TokenFetch['outcome']) =>
      watch.fetched({ outcome, isRenewal: previous !== undefined, durationMs: clock.elapsed() - askedAt })
    try {
      const token = await requestToken(previous, signal)
      told('granted')
      return token
    } catch (error) {
      if (!signal.aborted) told(error instanceof RefusalError ? 'refused' : 'failed')
      throw error
    }
  }
  return (previous, signal) => watch.during(() => fetchToken(previous, signal))
}
