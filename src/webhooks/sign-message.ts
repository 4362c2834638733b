import { createHmac } from 'node:crypto'

/** What a receiver gets: the same content always has the same id. */
export interface WebhookMessage {
  readonly id: string
  readonly body: string
}

/** The length of a key in random bytes, as limited by Standard Webhooks. */
const [shortestKey, longestKey] = [24, 64]

/** Whether a text is a signing secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in Base64. */
export function isWebhookSecret(text: string): boolean {
  if (!/^whsec_[A-Za-z0-9+/]+={0,2}$/.test(text)) return false
  const { length } = keyOf(text)
  return length >= shortestKey && length <= longestKey
}

/**
 * The three headers of Standard Webhooks 1.0: HMAC-SHA256 over id, seconds and body. There is one signature per secret, so that
 * receivers may change to the new one at any time.
 *
 * @param now milliseconds since the Unix epoch
 */
export function signMessage(
  { id, body }: WebhookMessage,
  secrets: readonly string[],
  now: number,
): Readonly<Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>> {
  const seconds = String(Math.floor(now / 1_000))
  const signatures = secrets.map(secret => {
    const mac = createHmac('sha256', keyOf(secret)).update(`${id}.${seconds}.${body}`).digest('base64')
    return `v1,${mac}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures.join(' ') }
}

function keyOf(secret: string): Buffer {
  return Buffer.from(secret.slice('whsec_'.length), 'base64')
}
