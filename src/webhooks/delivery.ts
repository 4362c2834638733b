import type { Explanation } from '../explanation.ts'
import { describeRedirect } from '../failures/http-status.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import type { Exchange } from '../outgoing/exchange.ts'
import type { Clock } from '../time/clock.ts'
import { parseRetryAfter } from '../time/retry-after.ts'
import type { ServerTime } from '../time/server-time.ts'
import { signMessage, type WebhookMessage } from './sign-message.ts'
import type { WebhookTarget } from './webhook-settings.ts'

/** The result of sending one message. */
export type Delivery = { readonly kind: 'delivered' } | { readonly kind: 'gone' } | FailedDelivery

export interface FailedDelivery extends Explanation {
  readonly kind: 'failed'
  readonly retryAfterMs?: number
}

/** Milliseconds that a receiver may take, as Standard Webhooks recommends. */
const timeoutMs = 15_000
const limits = { timeoutMs, ignoresBody: true } as const

export interface DeliveryDeps {
  readonly signal: AbortSignal
  readonly clock: Pick<Clock, 'now'>
  readonly receiverTime: ServerTime
}

/**
 * Sends one message once, or twice if the first response shows that the receiver's clock differs: receivers refuse messages of
 * another time (Standard Webhooks, "Verifying webhook authenticity").
 *
 * Rejects only with the signal's reason.
 */
export async function deliver(
  exchange: Exchange,
  message: WebhookMessage,
  target: Pick<WebhookTarget, 'url' | 'secrets'>,
  deps: DeliveryDeps,
): Promise<Delivery> {
  const aheadMs = deps.receiverTime.aheadMs()
  const delivery = await send(exchange, message, target, deps)
  const isOfAnotherTime = delivery.kind === 'failed' && deps.receiverTime.aheadMs() !== aheadMs
  return isOfAnotherTime ? send(exchange, message, target, deps) : delivery
}

async function send(
  exchange: Exchange,
  message: WebhookMessage,
  { url, secrets }: Pick<WebhookTarget, 'url' | 'secrets'>,
  { signal, clock, receiverTime }: DeliveryDeps,
): Promise<Delivery> {
  const headers = { 'content-type': 'application/json', ...signMessage(message, secrets, receiverTime.now()) }
  try {
    const answer = await exchange(url, { method: 'POST', headers, body: message.body }, { ...limits, signal })
    const delivery = interpretAnswer(url.host, answer, clock.now())
    // A proxy may date its responses by a wrong clock: a time that is accepted is kept.
    if (delivery.kind === 'failed') receiverTime.observe(answer.headers)
    return delivery
  } catch (error) {
    signal.throwIfAborted()
    const { words, remedy, code } = describeNetworkFailure(error)
    return code === 'PRIVATE_ADDRESS'
      ? { kind: 'failed', found: `${url.host} is an address of a private network`, remedy: privateRemedy(url) }
      : {
          kind: 'failed',
          found: `${url.host}: ${words}`,
          remedy: remedy ?? 'check that the receiver is running, and can be reached without a proxy: webhooks use none',
        }
  }
}

function privateRemedy({ hostname }: URL): string {
  return `if messages may be sent there, set WEBHOOK_PRIVATE_HOSTS=${hostname}`
}

/**
 * Interprets a receiver's response: 2xx moves on, 410 ends the subscription, and everything else, including redirects, is sent
 * again.
 *
 * @param now milliseconds since the Unix epoch
 */
export function interpretAnswer(
  host: string,
  { status, headers }: { readonly status: number; readonly headers: Headers },
  now: number,
): Delivery {
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  if (status === 410) return { kind: 'gone' }
  const isRedirect = status >= 300 && status < 400 && status !== 304
  return {
    kind: 'failed',
    found: `${host} ${isRedirect ? describeRedirect({ status, headers }) : `answered HTTP ${status}`}`,
    remedy: isRedirect ? 'redirects are not followed: use the URL that it leads to' : remedyOf(status),
    ...(headers.has('retry-after') && { retryAfterMs: parseRetryAfter(headers, now) }),
  }
}

function remedyOf(status: number): string {
  return remedies.get(status) ?? 'check the log of the receiver'
}

const refused =
  'check the log of the receiver and that it has the same secret, or if the log has nothing, whether a firewall, a bot check or a login in front of it refuses the messages'
const wrongPlace = 'check the path of the URL, and that it accepts POST'
const remedies: ReadonlyMap<number, string> = new Map([
  [400, refused],
  [401, refused],
  [403, refused],
  [404, wrongPlace],
  [405, wrongPlace],
  [413, 'raise its limit for bodies: a message has up to 65 kB, or one row'],
])
