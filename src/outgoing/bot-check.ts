/** A check for bots answered instead of the server, which has not seen the request. */
export class BotCheckError extends Error {
  readonly code = 'BOT_CHECK'
  readonly neverSent = true

  constructor() {
    super('A bot check answered')
  }
}

/**
 * Whether a response is a check for bots, which only a browser passes, by the headers that Cloudflare, Vercel and AWS WAF document. The
 * last one looks like a success: HTTP 202 without a body.
 */
export function isBotCheck(headers: Pick<Headers, 'get'>): boolean {
  return (
    headers.get('x-amzn-waf-action') !== null ||
    ['cf-mitigated', 'x-vercel-mitigated'].some(name => headers.get(name) === 'challenge')
  )
}
