import { renderExplanation } from '../explanation.ts'
import type { Log } from '../log.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import type { Refusal } from './authorize.ts'

/** Log lines per minute about unauthenticated callers, who must not fill the log. */
const anonymousPerMinute = 20

/**
 * Logs who was refused and why; never the token, nor a name that the issuer hasn't signed.
 *
 * @returns a function to call for each refusal, with the path of the route
 */
export function createRefusalLog(
  log: Log,
  clock: Pick<Clock, 'elapsed'> = systemClock,
): (refusal: Refusal, route: string | undefined) => void {
  let since = Number.NEGATIVE_INFINITY
  let lines = 0
  let unlogged = 0
  return ({ status, found, remedy, caller, cause }, route) => {
    const what = {
      status,
      message: renderExplanation({ found, remedy }),
      route,
      ...(cause !== undefined && { error: cause }),
    }
    if (caller) {
      log.warn({ ...what, ...caller }, 'a caller over HTTP was refused')
      return
    }
    if (clock.elapsed() - since >= 60_000) {
      since = clock.elapsed()
      lines = 0
    }
    if (lines === anonymousPerMinute) {
      unlogged += 1
      return
    }
    lines += 1
    log.info({ ...what, ...(unlogged > 0 && { unlogged }) }, 'a caller over HTTP was refused')
    unlogged = 0
  }
}
