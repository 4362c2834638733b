import type { Clock } from '../time/clock.ts'
import { refusesClient } from './client-refusal.ts'
import type { RequestToken } from './token-source.ts'

/** How long a refusal is shared, in milliseconds: far less than the shortest pause of a hold. */
const sharedForMs = 1_000

/**
 * Shares a refusal of the client with requests made shortly after it: several runs may start before the first refusal places a hold,
 * and each would call the identity provider again.
 */
export function shareRefusal(
  requestToken: RequestToken,
  clock: Clock,
): {
  readonly requestToken: RequestToken /** Forgets the refusal, so that the next request calls the identity provider. */
  forget(): void
} {
  let last: { readonly error: unknown; readonly at: number } | undefined
  return {
    async requestToken(previous, signal) {
      if (last && clock.elapsed() - last.at < sharedForMs) throw last.error
      last = undefined
      try {
        return await requestToken(previous, signal)
      } catch (error) {
        if (refusesClient(error)) last = { error, at: clock.elapsed() }
        throw error
      }
    },
    forget() {
      last = undefined
    },
  }
}
