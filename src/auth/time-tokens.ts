import { RefusalError } from '../errors.ts'
import type { TokenFetch } from '../observer/observer.ts'
import type { Clock } from '../time/clock.ts'
import type { RequestToken } from './token-source.ts'

/** Tells how each fetch ended; of one that nobody waited for any longer it tells nothing. */
export function timeTokens(requestToken: RequestToken, clock: Clock, tell: (fetch: TokenFetch) => void): RequestToken {
  return async (previous, signal) => {
    const askedAt = clock.now()
    const told = (outcome: TokenFetch['outcome']) =>
      tell({ outcome, isRenewal: previous !== undefined, durationMs: clock.now() - askedAt })
    try {
      const token = await requestToken(previous, signal)
      told('granted')
      return token
    } catch (error) {
      if (!signal.aborted) told(error instanceof RefusalError ? 'refused' : 'failed')
      throw error
    }
  }
}
