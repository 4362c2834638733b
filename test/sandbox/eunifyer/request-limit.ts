interface Window {
  startedAt: number
  used: number
}

/** What is left to one organisation, in the headers of docs.eunifyer.com/developer/guides/rate-limits. */
export interface LimitState {
  readonly exceeded: boolean
  readonly limit: number
  readonly resetInSeconds: number
  readonly headers: Record<string, string>
}

const windowMs = 60_000

/** So many requests per minute for all tokens and routes of an organisation together. */
export class RequestLimit {
  readonly #perMinute: number
  readonly #now: () => number
  readonly #windows = new Map<string, Window>()

  constructor(perMinute: number, now: () => number) {
    this.#perMinute = perMinute
    this.#now = now
  }

  /** Counts a request. */
  spend(organization: string): LimitState {
    const now = this.#now()
    const known = this.#windows.get(organization)
    const window = known && now - known.startedAt < windowMs ? known : { startedAt: now, used: 0 }
    this.#windows.set(organization, window)
    const exceeded = window.used >= this.#perMinute
    if (!exceeded) window.used += 1
    const resetAt = window.startedAt + windowMs
    return {
      exceeded,
      limit: this.#perMinute,
      resetInSeconds: Math.ceil((resetAt - now) / 1_000),
      headers: {
        'x-ratelimit-limit': String(this.#perMinute),
        'x-ratelimit-remaining': String(this.#perMinute - window.used),
        'x-ratelimit-reset': String(Math.ceil(resetAt / 1_000)),
      },
    }
  }
}
