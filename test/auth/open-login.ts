import type { Login } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import type { RequestToken } from '../../src/auth/token-source.ts'
import { type Exchange, exchange } from '../../src/outgoing/exchange.ts'
import type { Clock } from '../../src/time/clock.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

/** A login whose files a test writes, and whose requests it sees. */
export interface OpenedLogin {
  readonly requestToken: RequestToken
  /** By path; what isn't in it can't be read. */
  readonly files: Map<string, string>
  /** Every request to a token endpoint: what was asked for, and the status of the answer. Not those with a certificate. */
  readonly requests: { grant: string | null; status: number }[]
}

/** @param options.dated adds the `Date` that Keycloak leaves out and every proxy before it writes */
export function openLogin(
  login: Login,
  options: {
    files?: Readonly<Record<string, string>>
    clock?: Clock
    timeoutMs?: number
    dated?: boolean
    fetch?: typeof fetch
  } = {},
): OpenedLogin {
  const { clock = new VirtualClock(Date.now()), timeoutMs = 10_000 } = options
  const files = new Map(Object.entries(options.files ?? {}))
  const requests: OpenedLogin['requests'] = []
  const requestToken = createRequestToken(login, {
    clock,
    timeoutMs,
    exchange: async (address, outgoing, limits) => {
      const answer = await (options.fetch ? exchangeBy(options.fetch) : exchange)(address, outgoing, limits)
      const grant = new URLSearchParams(String(outgoing.body ?? '')).get('grant_type')
      if (outgoing.method === 'POST') requests.push({ grant, status: answer.status })
      if (options.dated) answer.headers.set('date', new Date().toUTCString())
      return answer
    },
    readSecretFile: async path => {
      const text = files.get(path)
      if (text === undefined) throw Object.assign(new Error('canary'), { code: 'ENOENT' })
      return text
    },
  })
  return { requestToken, files, requests }
}

/** A server that is a function. */
function exchangeBy(fetch: typeof globalThis.fetch): Exchange {
  return async (address, outgoing) => {
    const response = await fetch(address, outgoing)
    // A response from elsewhere has headers that can't be changed.
    const headers = new Headers(response.headers)
    return { status: response.status, headers, body: Buffer.from(await response.arrayBuffer()) }
  }
}
