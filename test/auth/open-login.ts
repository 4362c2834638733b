import type { Login } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import type { RequestToken } from '../../src/auth/token-source.ts'
import type { Clock } from '../../src/clock.ts'
import { VirtualClock } from './virtual-clock.ts'

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
    fetch: async (address, init) => {
      const received = await (options.fetch ?? fetch)(address, init)
      // A response from the network has headers that can't be changed.
      const response = new Response(await received.arrayBuffer(), received)
      const grant = new URLSearchParams(String(init?.body ?? '')).get('grant_type')
      if (init?.method === 'POST') requests.push({ grant, status: response.status })
      if (options.dated) response.headers.set('date', new Date().toUTCString())
      return response
    },
    readSecretFile: async path => {
      const text = files.get(path)
      if (text === undefined) throw Object.assign(new Error('canary'), { code: 'ENOENT' })
      return text
    },
  })
  return { requestToken, files, requests }
}
