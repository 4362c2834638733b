import { parse } from 'graphql'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import type { TokenSource } from '../../src/auth/token-source.ts'
import type { Listener } from '../../src/definitions/doorbell.ts'
import { createSubscriptionClient } from '../../src/hasura/subscription-client.ts'
import { keepConnection } from '../../src/live/keep-connection.ts'
import type { LiveReport } from '../../src/live/live-lease.ts'
import { createLiveLine } from '../../src/live/live-line.ts'
import { createSlots } from '../../src/outgoing/slots.ts'
import { useProxies } from '../../src/outgoing/use-proxies.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createKnownSecrets } from '../../src/words/known-secrets.ts'
import { hasuraClaims, signToken } from '../sandbox/hasura/sign-token.ts'
import { type SandboxHasura, startHasura } from '../sandbox/hasura/start-hasura.ts'
import { findFreePort } from '../services/free-port.ts'
import { startProxy } from '../services/start-proxy.ts'

const key = 'a secret of at least thirty-two bytes'
const userId = 'a0000000-0000-4000-8000-000000000002'

let hasura: SandboxHasura
beforeAll(async () => {
  hasura = await startHasura({ jwt: { key }, refetchMs: 50 })
})
afterAll(() => hasura[Symbol.asyncDispose]())
afterEach(() => {
  hasura.sockets.refuse(undefined)
  hasura.sockets.setProtocol(undefined)
  hasura.clearFaults()
})

/** Tokens of so many seconds, renewed when nine tenths of that are over. */
function createTokens(lifeSeconds: number): TokenSource & { readonly replaced: number } {
  let current: { token: Token; renewAt: number } | undefined
  let replaced = 0
  async function get() {
    if (current && Date.now() < current.renewAt) return current.token
    const exp = Math.ceil(Date.now() / 1_000) + lifeSeconds
    const value = await signToken({ ...hasuraClaims(userId, ['viewer']), exp }, key)
    const expiresAt = exp * 1_000
    current = { token: new Token(value, expiresAt), renewAt: expiresAt - (expiresAt - Date.now()) / 10 }
    return current.token
  }
  return {
    get replaced() {
      return replaced
    },
    peek: () => current?.token,
    get,
    replace() {
      replaced += 1
      current = undefined
      return get()
    },
    drop() {
      current = undefined
    },
  }
}

interface Kept extends AsyncDisposable {
  readonly heard: unknown[]
  readonly reports: LiveReport[]
  missed: number
  readonly tokens: ReturnType<typeof createTokens>
}

function keep({ lifeSeconds = 3_600, role = 'viewer', url = hasura.url, field = 'topics' } = {}): Kept {
  const tokens = createTokens(lifeSeconds)
  const kept: Omit<Kept, keyof AsyncDisposable> = { heard: [], reports: [], missed: 0, tokens }
  const document = parse(`subscription TitleLive($where: ${field}_bool_exp!) { ${field}(where: $where) { title } }`)
  const variables = { where: { title: { _eq: 'Topic 01' } } }
  const listener: Listener = {
    subscriptions: [{ name: 'title', document, variables }],
    hear(_name, data) {
      kept.heard.push(data)
      return { rings: [] }
    },
    missed() {
      kept.missed += 1
      return []
    },
  }
  const clock = systemClock
  const line = createLiveLine({
    job: 'sync',
    listener,
    clock,
    ring() {},
    report: report => void kept.reports.push(report),
  })
  const client = createSubscriptionClient({
    url,
    role,
    tokens,
    clock,
    slots: createSlots(1),
    secrets: createKnownSecrets(),
  })
  const stop = new AbortController()
  const ended = keepConnection({ client, clock }, [line], stop.signal)
  return Object.assign(kept, {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  })
}
const stateOf = ({ reports }: Kept) => reports.at(-1)?.state

describe('a connection for subscriptions', () => {
  test('subscribes with role and token, tells once that nobody had listened, and is closed at the end', async () => {
    {
      await using kept = keep()
      await expect.poll(() => kept.heard).toEqual([{ topics: [{ title: 'Topic 01' }] }])
      await expect.poll(() => kept.missed).toBe(1)
      expect(stateOf(kept)).toBe('live')
      expect(hasura.sockets.open).toMatchObject([
        { protocol: 'graphql-transport-ws', role: 'viewer', subscriptions: ['TitleLive'] },
      ])
    }
    await expect.poll(() => hasura.sockets.open).toEqual([])
  })

  test('is replaced before its token expires, so that nothing is missed', async () => {
    await using kept = keep({ lifeSeconds: 8 })
    const before = hasura.sockets.attempts
    await expect.poll(() => hasura.sockets.attempts - before).toBeGreaterThan(1)
    expect(kept.missed).toBe(1)
    expect(kept.reports.filter(({ state }) => state === 'failing')).toEqual([])
  })

  test('is made again after it was cut off or closed, and tells that something may have been missed', async () => {
    await using kept = keep()
    await expect.poll(() => kept.missed).toBe(1)
    hasura.sockets.drop()
    await expect.poll(() => kept.missed).toBe(2)
    hasura.sockets.close(1012, 'Server state changed, restarting the server')
    await expect.poll(() => kept.missed).toBe(3)
    const problems = kept.reports.flatMap(({ problem }) => problem?.found ?? [])
    expect(problems[0]).toMatch(/^The WebSocket to 127\.0\.0\.1:\d+ was cut off$/)
    expect(problems[1]).toMatch(/was closed with code 1012 \(Server state changed, restarting the server\)$/)
  })

  test('says that something in front lets no WebSocket pass, and is live once it does', async () => {
    hasura.sockets.refuse(403)
    await using kept = keep()
    await expect.poll(() => stateOf(kept)).toBe('failing')
    expect(kept.reports.at(-1)?.problem).toMatchObject({
      code: 'upgrade',
      found: expect.stringContaining('answered HTTP 403'),
      remedy: expect.stringContaining('Upgrade'),
    })
    hasura.sockets.refuse(undefined)
    await expect.poll(() => stateOf(kept)).toBe('live')
  })

  test('says that nobody listens there', async () => {
    await using kept = keep({ url: `http://127.0.0.1:${await findFreePort()}/v1/graphql` })
    await expect
      .poll(() => kept.reports.at(-1)?.problem)
      .toMatchObject({
        code: 'network',
        found: expect.stringContaining('ECONNREFUSED'),
      })
  })

  test('goes through the proxy that other requests go through', async () => {
    const proxy = await startProxy()
    using _proxies = useProxies({ http: proxy.url, except: '' })
    {
      await using kept = keep()
      await expect.poll(() => kept.heard).toHaveLength(1)
      expect(proxy.connected).toEqual([new URL(hasura.url).host])
    }
    proxy.stop()
  })

  test('says which role is refused, and gets another token', async () => {
    await using kept = keep({ role: 'manager' })
    await expect
      .poll(() => kept.reports.at(-1)?.problem)
      .toMatchObject({
        code: 'forbidden',
        found: expect.stringContaining('role "manager"'),
      })
    expect(kept.tokens.replaced).toBeGreaterThan(0)
  })

  test('says which field the role may not see, and stays open', async () => {
    await using kept = keep({ field: 'secrets' })
    await expect.poll(() => kept.reports.at(-1)?.problem?.found).toContain("field 'secrets' not found")
    await expect.poll(() => hasura.sockets.open).toHaveLength(1)
  })

  test('speaks the older protocol where the server has no other', async () => {
    hasura.sockets.setProtocol('graphql-ws')
    await using kept = keep()
    await expect.poll(() => kept.heard).toEqual([{ topics: [{ title: 'Topic 01' }] }])
    await expect
      .poll(() => hasura.sockets.open)
      .toEqual([{ protocol: 'graphql-ws', role: 'viewer', subscriptions: ['TitleLive'] }])
    expect(kept.reports.filter(({ state }) => state === 'failing')).toEqual([])
  })

  test.each([
    ['field', { field: 'secrets' }, "field 'secrets' not found"],
    ['role', { role: 'manager' }, 'role "manager" (Your requested role is not in allowed roles)'],
  ])('says in the older protocol which %s is refused', async (_, options, words) => {
    hasura.sockets.setProtocol('graphql-ws')
    await using kept = keep(options)
    await expect.poll(() => kept.reports.at(-1)?.problem?.found).toContain(words)
  })

  test('says what the API could not answer, and is live again with its next answer', async () => {
    await using kept = keep()
    await expect.poll(() => stateOf(kept)).toBe('live')
    const { attempts } = hasura.sockets
    await hasura.sql('alter table topics rename to topics_away')
    await expect.poll(() => stateOf(kept)).toBe('failing')
    expect(kept.reports.at(-1)?.problem?.code).not.toBe('closed')
    await hasura.sql('alter table topics_away rename to topics')
    await expect.poll(() => stateOf(kept)).toBe('live')
    expect(hasura.sockets.attempts).toBe(attempts)
  })
})
