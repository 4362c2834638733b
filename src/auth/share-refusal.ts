import type { Clock } from '../time/clock.ts'
import { refusesClient } from './client-refusal.ts'
import type { RequestToken } from './token-source.ts'

/** How long a refusal answers those who come later, in milliseconds: far less than the shortest pause of a hold. */
const sharedForMs = 1_000

/**
 * A refusal of the client is the answer for those as well who ask a moment later: several runs may have found no hold before the
 * first one's refusal placed it, and each would ask the identity provider once more.
 */
export function shareRefusal(
  requestToken: RequestToken,
  clock: Clock,
): { readonly requestToken: RequestToken /** Whoever asks next asks for itself. */; forget(): void } {
  let last: { readonly error: unknown; readonly at: number } | undefined
  return {
    async requestToken(previous, signal) {
      if (last && clock.now() - last.at < sharedForMs) throw last.error
      last = undefined
      try {
        return await requestToken(previous, signal)
      } catch (error) {
        if (refusesClient(error)) last = { error, at: clock.now() }
        throw error
      }
    },
    forget() {
      last = undefined
    },
  }
}
