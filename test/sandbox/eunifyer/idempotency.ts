import type { RestReply } from '../rest/rest-server.ts'
import { problem } from './problem.ts'

interface Kept {
  readonly body: string
  readonly keptAt: number
  /** Absent while the first request is still carried out. */
  reply?: RestReply
}

const keptMs = 24 * 3_600_000

/** What was answered under each Idempotency-Key (docs.eunifyer.com/developer/guides/idempotency). */
export class Idempotency {
  readonly #kept = new Map<string, Kept>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  /** Carries a request out, or answers as it was answered before; the key is the organisation's own. */
  async once(organization: string, key: string, body: string, carryOut: () => Promise<RestReply>): Promise<RestReply> {
    const name = JSON.stringify([organization, key])
    const known = this.#kept.get(name)
    if (known && this.#now() - known.keptAt < keptMs) {
      if (known.body !== body) return problem('conflict', 'Idempotency key was used with a different request body')
      if (!known.reply) return problem('service_unavailable', 'The original request is still in flight')
      return { ...known.reply, headers: { ...known.reply.headers, 'x-idempotency-replayed': 'true' } }
    }
    const kept: Kept = { body, keptAt: this.#now() }
    this.#kept.set(name, kept)
    const reply = await carryOut()
    if (reply.status < 300) kept.reply = reply
    else this.#kept.delete(name)
    return reply
  }
}
