import { z } from 'zod'
import { isError, OutageError, RateLimitedError, TransientError } from '../errors.ts'
import { botCheckRemedy, describeNetworkFailure } from '../failures/network-failure.ts'
import { isBotCheck } from '../outgoing/bot-check.ts'
import type { Handshake } from '../outgoing/web-socket.ts'
import { asksForPause, parseRetryAfter } from '../time/retry-after.ts'
import { quoteForeign } from '../words/foreign-words.ts'

/** How Hasura refused a connection before it had a code for that. */
const refusedByOlder = 'Connection initialization failed'

const closeEvent = z.object({ code: z.number(), reason: z.string().catch('') })

/**
 * What it means that a connection for subscriptions has ended, or never began. Codes: `network`, `upgrade` (something in front lets no
 * WebSocket pass), `protocol` (the server speaks another one), `forbidden` (token or role), `closed`; RateLimitedError or OutageError
 * where the answer asks for a pause.
 *
 * @param event the WebSocket's own, or an error
 */
export function explainClosed(
  event: unknown,
  facts: {
    readonly url: string
    readonly role: string
    readonly handshake: Handshake
    /** The handshake had succeeded. */
    readonly hasOpened: boolean
    readonly secrets: readonly string[]
    /** Milliseconds since 1970. */
    readonly now: number
  },
): TransientError {
  const { handshake, hasOpened, role } = facts
  const { host } = new URL(facts.url)
  if (!hasOpened) {
    if (handshake.status === undefined) {
      const { words, remedy = 'check that Hasura runs and that HASURA_URL is correct' } = describeNetworkFailure(
        handshake.failure,
      )
      return new TransientError('network', { found: `No WebSocket connection to ${host}: ${words}`, remedy })
    }
    if (handshake.status !== 101) return explainStatus(handshake.status, host, handshake, facts.now)
    return new TransientError('protocol', {
      found: `${host} opens a WebSocket, but speaks neither graphql-transport-ws nor graphql-ws there`,
      remedy: 'check that HASURA_URL leads to Hasura',
    })
  }
  if (isError(event)) {
    return new TransientError('closed', {
      found: `${host} sent something on a WebSocket that isn't a message of its protocol`,
      remedy: 'check the proxies between the worker and Hasura, which may change it',
    })
  }
  const { code, reason } = closeEvent.safeParse(event).data ?? { code: 1006, reason: '' }
  if (code === 4403 || code === 4401 || (code === 4400 && reason.includes(refusedByOlder))) {
    const said = reason === '' ? '' : ` (${quoteForeign(reason, facts.secrets)})`
    return new TransientError('forbidden', {
      found: `Hasura refused a WebSocket for role "${role}"${said}`,
      remedy: `run "npm run -s cli -- doctor", which shows what the token lacks`,
    })
  }
  const why =
    code === 1006
      ? 'was cut off'
      : `was closed with code ${code}${reason && ` (${quoteForeign(reason, facts.secrets)})`}`
  return new TransientError('closed', `The WebSocket to ${host} ${why}`)
}

function explainStatus(
  status: number,
  host: string,
  { headers }: Pick<Handshake, 'headers'>,
  now: number,
): TransientError {
  const found = `${host} answered HTTP ${status} to the request for a WebSocket`
  if (isBotCheck(headers)) return new TransientError('upgrade', { found, remedy: botCheckRemedy })
  if (status === 429) return new RateLimitedError(found, parseRetryAfter(headers, now))
  if (asksForPause({ status, headers })) {
    const remedy = 'look at Hasura, and at the proxies in front of it'
    return new OutageError('upgrade', 'account', { found, remedy }, { retryAfterMs: parseRetryAfter(headers, now) })
  }
  return new TransientError('upgrade', { found, remedy: remedyOf(status) })
}

function remedyOf(status: number): string {
  if (status >= 300 && status < 400) return 'set HASURA_URL to the address that it leads to'
  if (status === 401 || status === 403)
    return 'let what stands in front of Hasura pass WebSockets, with the headers Upgrade and Connection'
  return 'make the proxies in front of Hasura pass the headers Upgrade and Connection'
}
