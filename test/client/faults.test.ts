import { describe, expect, test, vi } from 'vitest'
import { createClient, createClientIn } from '../../packages/client/src/create-client.ts'
import type { ClientOptions } from '../../packages/client/src/index.ts'

const issuer = 'https://login.example'
const url = 'https://worker.example'
const credentials = { issuer, clientId: 'shop', clientSecret: 'top:secret' }

interface Asked {
  readonly url: string
  readonly headers: Headers
}
type Reply = (asked: Asked) => Response | Promise<Response>

const accepted = () => Response.json({ id: 'r1', absorbed: false }, { status: 202 })
const report = (state: string) => Response.json({ id: 'r1', state })
const refuse =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    Response.json({ code: 'c', detail: 'said so', remedy: 'do so' }, { status, headers })
const unreachable = () =>
  Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) }))

/** A worker that answers with what it is given in turn, then with the last again, and an issuer. */
function open(replies: readonly Reply[], options: Partial<ClientOptions> = {}, lifeSeconds: unknown = 300) {
  const state = { now: 0, tokens: 0, tokenUrl: `${issuer}/token` }
  const asked: Asked[] = []
  const pauses: number[] = []
  const client = createClientIn(
    {
      async fetch(input, init) {
        const question = { url: String(input), headers: new Headers(init?.headers) }
        if (question.url.endsWith('openid-configuration'))
          return Response.json({ issuer, token_endpoint: state.tokenUrl })
        if (question.url === `${issuer}/token` && question.url !== state.tokenUrl)
          return new Response('', { status: 404 })
        if (question.url === state.tokenUrl) {
          state.tokens += 1
          return Response.json({ access_token: `token-${state.tokens}`, expires_in: lifeSeconds })
        }
        asked.push(question)
        const reply = replies[asked.length - 1] ?? replies.at(-1)
        return reply ? reply(question) : accepted()
      },
      now: () => state.now,
      async sleep(ms, signal) {
        signal.throwIfAborted()
        pauses.push(ms)
        state.now += ms
      },
    },
    { url, token: credentials, ...options },
  )
  return { client, asked, pauses, state }
}

describe('what is tried again', () => {
  test.each<[string, Reply]>([
    ['no connection', unreachable],
    ['502', refuse(502)],
    ['503', refuse(503)],
    ['504', refuse(504)],
    ['429', refuse(429)],
    ['408 of a proxy', () => new Response('<html>', { status: 408 })],
    ['425 of a proxy', () => new Response('<html>', { status: 425 })],
    ["Cloudflare's 521, without the server", () => new Response('<html>', { status: 521 })],
    ["Cloudflare's 530, without the tunnel", () => new Response('error code: 1033', { status: 530 })],
    ['409 of a request that is being handled', refuse(409, { 'retry-after': '1' })],
  ])('%s, under the same key', async (_what, fault) => {
    const { client, asked } = open([fault, fault, accepted])
    expect(await client.request('sync')).toEqual({ id: 'r1', absorbed: false })
    const keys = asked.map(({ headers }) => headers.get('idempotency-key'))
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^[\da-f]{32}$/)
  })

  test.each([
    [400, 'usage'],
    [403, 'unauthorized'],
    [404, 'usage'],
    [409, 'usage'],
    [413, 'usage'],
    [422, 'usage'],
    [500, 'unavailable'],
    [301, 'unavailable'],
  ])('not HTTP %d', async (status, code) => {
    const { client, asked } = open([refuse(status)])
    await expect(client.request('sync')).rejects.toMatchObject({
      code,
      status,
      reason: 'c',
      isTransient: false,
      message: expect.stringContaining('said so: do so'),
    })
    expect(asked).toHaveLength(1)
  })

  test('for four tries; the error has the key for another one', async () => {
    const { client, asked } = open([unreachable])
    await expect(client.request('sync', {}, { idempotencyKey: 'k' })).rejects.toMatchObject({
      code: 'unavailable',
      isTransient: true,
      idempotencyKey: 'k',
      message: "The worker can't be reached (ECONNREFUSED)",
    })
    expect(asked).toHaveLength(4)
  })

  test('as late as Retry-After says, and never after the deadline', async () => {
    for (const [asked, pauseMs] of [
      ['7', 7_000],
      ['7.0015', 7_002],
    ] as const) {
      const patient = open([refuse(429, { 'retry-after': asked }), accepted])
      await patient.client.request('sync')
      expect(patient.pauses).toEqual([pauseMs])
    }
    const hurried = open([refuse(429, { 'retry-after': '60' })])
    await expect(hurried.client.request('sync')).rejects.toMatchObject({ code: 'rate-limited', retryAfterMs: 60_000 })
    expect(hurried.pauses).toEqual([])
  })
})

describe('the token', () => {
  test('is fetched once however many wait, and kept', async () => {
    const { client, state } = open([])
    await Promise.all([client.request('a'), client.request('b'), client.request('c')])
    await client.request('d')
    expect(state.tokens).toBe(1)
  })

  test.each([
    [300, 269_000, 271_000],
    [10, 8_900, 9_100],
    ['300', 269_000, 271_000],
    ['nonsense', 53_900, 54_100],
    [-1, 53_900, 54_100],
  ])('with expires_in %s serves until shortly before its end', async (life, before, after) => {
    const { client, state } = open([], {}, life)
    await client.request('a')
    state.now = before
    await client.request('a')
    expect(state.tokens).toBe(1)
    state.now = after
    await client.request('a')
    expect(state.tokens).toBe(2)
  })

  test('that the worker rejects is replaced once', async () => {
    const { client, asked } = open([refuse(401), accepted])
    await client.request('a')
    expect(asked.map(({ headers }) => headers.get('authorization'))).toEqual(['Bearer token-1', 'Bearer token-2'])
    const hopeless = open([refuse(401)])
    await expect(hopeless.client.request('a')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(hopeless.asked).toHaveLength(2)
  })

  test('may come from elsewhere', async () => {
    const text = open([], { token: 'mine' })
    await text.client.request('a')
    const called = open([], { token: async () => 'ours' })
    await called.client.request('a')
    const [first, second] = [text, called].map(({ asked }) => asked[0]?.headers.get('authorization'))
    expect([first, second]).toEqual(['Bearer mine', 'Bearer ours'])
  })
})

describe('waiting', () => {
  test('asks again with growing pauses where the worker answers at once', async () => {
    const { client, asked, pauses } = open([...Array(6).fill(() => report('running')), () => report('done')])
    expect(await client.wait('r1')).toMatchObject({ state: 'done' })
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000])
    expect(asked[1]?.headers.get('prefer')).toBe('wait=25')
  })

  test('ends in time', async () => {
    const { client } = open([() => report('waiting')])
    await expect(client.wait('r1', { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'timeout',
      message: 'Request r1 has not ended within 60 s (waiting), and continues',
    })
  })

  test.each([
    ['answers 504', refuse(504)],
    ['closes the connection', unreachable],
  ])('asks without waiting, and then for a shorter time, where a gateway %s', async (_what, cutOff) => {
    const waited = (state: string) => {
      const headers = { 'preference-applied': 'wait=12' }
      return Response.json({ id: 'r1', state }, { headers })
    }
    const running = () => report('running')
    const { client, asked } = open([running, cutOff, running, () => waited('running'), () => waited('done')])
    expect(await client.wait('r1')).toMatchObject({ state: 'done' })
    const prefers = asked.map(({ headers }) => headers.get('prefer'))
    expect(prefers).toEqual([null, 'wait=25', null, 'wait=12', 'wait=12'])
  })

  test('survives a gateway that never waits', async () => {
    const gateway: Reply = ({ headers }) => (headers.has('prefer') ? refuse(504)() : report('running'))
    const { client, asked } = open([...Array(30).fill(gateway), () => report('done')])
    expect(await client.wait('r1')).toMatchObject({ state: 'done' })
    expect(asked.filter(({ headers }) => headers.has('prefer'))).toHaveLength(5)
  })

  test('survives a restart', async () => {
    const { client } = open([() => report('running'), unreachable, refuse(503), () => report('done')])
    expect(await client.wait('r1')).toMatchObject({ state: 'done' })
  })

  test.each<[string, Reply]>([
    ['no connection', unreachable],
    ['the 503 of a gateway', refuse(503, { 'retry-after': '10' })],
  ])('goes on through minutes of %s', async (_what, away) => {
    const { client, state } = open([() => report('running'), ...Array(28).fill(away), () => report('done')])
    expect(await client.wait('r1')).toMatchObject({ state: 'done' })
    expect(state.now).toBeGreaterThan(60_000)
  })

  test('says why no answer comes when its time is over, and at once what time does not change', async () => {
    const gone = open([() => report('running'), unreachable])
    await expect(gone.client.wait('r1', { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'unavailable',
      message: "The worker can't be reached (ECONNREFUSED)",
    })
    expect(gone.state.now).toBeGreaterThan(45_000)
    const refused = open([() => report('running'), refuse(403)])
    await expect(refused.client.wait('r1')).rejects.toMatchObject({ code: 'unauthorized' })
    expect(refused.asked).toHaveLength(2)
  })
})

test('a signal ends each call with its reason, and nothing is sent after it', async () => {
  const { client, asked } = open([() => new Promise(() => {})])
  const gone = AbortSignal.abort(new Error('enough'))
  await expect(client.request('a', {}, { signal: gone })).rejects.toThrow('enough')
  await expect(client.wait('r1', { signal: gone })).rejects.toThrow('enough')
  expect(asked).toEqual([])
})

describe('a token that never comes', () => {
  const never = () => new Promise<never>(() => {})

  test.each<[string, ClientOptions['token']]>([
    ['of a function', never],
    ['of an issuer', credentials],
  ])('%s ends the call in time, and no worker is to blame', async (_from, token) => {
    const surroundings = { fetch: never, now: () => 0, sleep: async () => {} }
    const client = createClientIn(surroundings, { url, token, timeoutMs: 1 })
    await expect(client.request('sync')).rejects.toMatchObject({
      code: 'unavailable',
      isTransient: true,
      message: expect.stringContaining('No token came in time'),
    })
  })

  test('leaves a call to its signal', async () => {
    const { client, asked } = open([], { token: never })
    const stopping = new AbortController()
    const { signal } = stopping
    const calls = Promise.allSettled([
      client.request('a', {}, { signal }),
      client.wait('r1', { signal }),
      client.changes('articles', { signal }).next(),
    ])
    const reason = new Error('enough')
    stopping.abort(reason)
    expect(await calls).toEqual(Array(3).fill({ status: 'rejected', reason }))
    expect(asked).toEqual([])
  })
})

test.each([
  'worker.example',
  'ftp://worker.example',
  'http://worker.example',
  'https://user:password@worker.example',
  'https://worker.example?x=1',
])('%s is refused as an address', address => {
  expect(() => open([], { url: address })).toThrow(expect.objectContaining({ code: 'usage' }))
})

test.each(['http://localhost:8088', 'http://127.0.0.1:8088/', 'http://[::1]:8088', 'https://worker.example/base/'])(
  '%s is taken as an address',
  address => {
    expect(() => open([], { url: address })).not.toThrow()
  },
)

describe('what no request can carry is told at once, as such', () => {
  test.each([
    ['bestellung-→-4711', /^The idempotency key must have 1 to 255 printable ASCII characters$/],
    ['', /^The idempotency key must have/],
    ['x'.repeat(256), /^The idempotency key must have/],
  ])('the idempotency key %s', async (idempotencyKey, message) => {
    const { client, asked } = open([])
    const error = expect.objectContaining({
      code: 'usage',
      isTransient: false,
      message: expect.stringMatching(message),
    })
    await expect(client.request('sync', {}, { idempotencyKey })).rejects.toEqual(error)
    expect(asked).toEqual([])
  })

  test.each(['', 'Bearer abc', 'ab\nc', 'ab…'])('the token %j', async token => {
    const { client, asked } = open([], { token })
    const error = await client.request('sync').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'unauthorized', isTransient: false })
    expect(error).not.toHaveProperty('cause')
    expect(String(error)).toContain('The token has a character that no token has')
    expect(asked).toEqual([])
  })

  test('a payload that has no JSON', async () => {
    const { client, asked } = open([])
    await expect(client.request('sync', { id: 1n })).rejects.toMatchObject({ code: 'usage' })
    expect(asked).toEqual([])
  })
})

test('a token with a line break at its end, as files have, is sent', async () => {
  const { client } = open([], { token: 'abc\n' })
  expect(await client.request('sync')).toEqual({ id: 'r1', absorbed: false })
})

test.each<[string, Reply]>([
  ['as programs see it', () => new Response('', { status: 302, headers: { location: 'https://login.example/' } })],
  [
    'as browsers see it',
    () => Object.defineProperties(Response.error(), { type: { value: 'opaqueredirect' }, status: { value: 0 } }),
  ],
])('a redirect is told as one, %s', async (_how, reply) => {
  const { client, asked } = open([reply])
  await expect(client.request('sync')).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('a redirect: set the address that it leads to'),
  })
  expect(asked).toHaveLength(1)
})

test('a page over plain http makes requests, where browsers have no crypto.randomUUID', async () => {
  const { crypto } = globalThis
  vi.stubGlobal('crypto', { getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes) })
  const { client, asked } = open([])
  try {
    await client.request('sync')
  } finally {
    vi.unstubAllGlobals()
  }
  expect(asked[0]?.headers.get('idempotency-key')).toMatch(/^[\da-f]{32}$/)
})

test('no error tells a secret', async () => {
  for (const fault of [unreachable, refuse(401), refuse(500), () => new Response('<html>')]) {
    const error = await open([fault])
      .client.request('a', { card: '4242' })
      .catch((thrown: unknown) => thrown)
    const told = `${error} ${JSON.stringify(error)}`
    for (const secret of ['token-', 'top:secret', '4242']) expect(told).not.toContain(secret)
  }
})

describe('following changes', () => {
  const change = (position: number) => ({ position: `${position}`, op: 'upsert', account: 'a', key: { id: 'x' } })
  const page =
    (from: number, count: number, position = from + count - 1) =>
    () =>
      Response.json({ changes: Array.from({ length: count }, (_, at) => change(from + at)), position: `${position}` })
  const read = async (changes: AsyncIterable<{ readonly position: string }>, count = Number.POSITIVE_INFINITY) => {
    const positions: number[] = []
    for await (const { position } of changes) {
      positions.push(Number(position))
      if (positions.length >= count) break
    }
    return positions
  }
  const afterOf = (asked: readonly { url: string }[]) => asked.map(each => new URL(each.url).searchParams.get('after'))

  test('reads page after page from a position on, and ends with the last where it is told to', async () => {
    const { client, asked, pauses } = open([page(8, 1_000), page(1_008, 3, 1_050)])
    const positions = await read(client.changes('articles', { after: '7', account: 'north', follow: false }))
    expect(positions).toEqual(Array.from({ length: 1_003 }, (_, at) => 8 + at))
    expect(afterOf(asked)).toEqual(['7', '1007'])
    expect(new URL(asked[0]?.url ?? '').searchParams.get('account')).toBe('north')
    expect(pauses).toEqual([])
  })

  test('waits for more, after the end that it was told of, through a restart of the worker', async () => {
    const { client, asked, pauses } = open([page(1, 2, 9), page(10, 0, 12), unreachable, refuse(503), page(13, 1)])
    expect(await read(client.changes('articles'), 3)).toEqual([1, 2, 13])
    expect(afterOf(asked)).toEqual(['0', '9', '12', '12', '12'])
    expect(pauses.slice(0, 2)).toEqual([2_000, 2_000])
  })

  test('ends with an error when the worker stays away, and what was handled is known by then', async () => {
    const { client } = open([page(1, 2), unreachable])
    const handled: string[] = []
    const following = (async () => {
      for await (const { position } of client.changes('articles')) handled.push(position)
    })()
    await expect(following).rejects.toMatchObject({ code: 'unavailable', isTransient: true })
    expect(handled).toEqual(['1', '2'])
  })

  test.each<[string, Reply]>([
    ['no page', () => Response.json({ items: [] })],
    ['changes without a position', () => Response.json({ changes: [{ op: 'upsert' }], position: '1' })],
    ['the same page for ever', page(1, 1, 0)],
  ])('refuses %s', async (_what, reply) => {
    await expect(read(open([reply]).client.changes('articles'))).rejects.toMatchObject({ code: 'unavailable' })
  })

  test('ends by its signal, with the reason', async () => {
    const { client } = open([page(1, 2)])
    const stopping = new AbortController()
    const following = (async () => {
      for await (const _ of client.changes('articles', { signal: stopping.signal })) stopping.abort(new Error('enough'))
    })()
    await expect(following).rejects.toThrow('enough')
  })
})

test.each(['/o/token/', '/token?p=b2c_1_login'])(
  'the token endpoint %s is asked as the issuer names it',
  async path => {
    const { client, state } = open([accepted])
    state.tokenUrl = `${issuer}${path}`
    await client.request('sync-users')
    expect(state.tokens).toBe(1)
  },
)

test.each([
  ['http://login.example/token', 'unencrypted'],
  ['https://shop@login.example/token', 'not an address'],
  ['https://login.example/token#part', 'not an address'],
  ['/token', 'not an address'],
])('no secret is sent to the token endpoint %s', async (tokenUrl, told) => {
  const { client, state } = open([accepted])
  state.tokenUrl = tokenUrl
  await expect(client.request('sync-users')).rejects.toThrow(told)
  expect(state.tokens).toBe(0)
})

test.each(['https://worker.example/?team=a', 'worker.example'])('the address of a worker is not %s', address => {
  expect(() => open([accepted], { url: address })).toThrow('url is not an address')
})

test.each(['', undefined])('an address that is %j, as during a build, is told as empty', address => {
  const create = () => open([accepted], Object({ url: address }))
  expect(create).toThrow('url is empty: set its variable, which "next build" also reads, or create the client in')
})

test('a token endpoint that has moved is discovered again', async () => {
  const { client, state } = open([accepted], {}, 300)
  await client.request('sync-users', { account: 'default' })
  state.tokenUrl = `${issuer}/moved/token`
  state.now += 300_000
  await expect(client.request('sync-users', { account: 'default' })).rejects.toThrow('The token endpoint')
  await client.request('sync-users', { account: 'default' })
  expect(state.tokens).toBe(2)
})

test.each([
  ['fails', () => Promise.reject(new Error('logged out')), 'failed'],
  ['returns none', async () => '', 'returned no token'],
])('a function for tokens that %s is called once, and no worker is to blame', async (_what, token, told) => {
  let calls = 0
  const counting = (): Promise<string> => {
    calls += 1
    return token()
  }
  const { client, asked } = open([accepted], { token: counting })
  const error = await client.request('sync').catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'unauthorized', message: expect.stringContaining(told) })
  expect([calls, asked]).toEqual([1, []])
})

describe('no answer comes from a cache, such as that of Next.js', () => {
  async function optionsWith(token: ClientOptions['token']): Promise<unknown[]> {
    const given: RequestInit[] = []
    const fetch: typeof globalThis.fetch = async (input, init = {}) => {
      given.push(init)
      const address = String(input)
      if (address.endsWith('openid-configuration')) return Response.json({ issuer, token_endpoint: `${issuer}/token` })
      return address.endsWith('/token') ? Response.json({ access_token: 't' }) : accepted()
    }
    await createClient({ url, token, fetch }).request('sync')
    return given.map(({ cache }) => cache)
  }

  test('whatever is asked for', async () => {
    expect(await optionsWith(credentials)).toEqual(['no-store', 'no-store', 'no-store'])
  })

  test.each([
    ['requests have no such option, as in older Cloudflare Workers', class {}],
    ['there are no requests, as in jsdom', undefined],
  ])('and nothing is said of it where %s', async (_where, requests) => {
    vi.stubGlobal('Request', requests)
    try {
      expect(await optionsWith('t')).toEqual([undefined])
    } finally {
      vi.unstubAllGlobals()
    }
  })
})

test('a platform without AbortSignal.any is not told as a worker that is away', async () => {
  const { any } = AbortSignal
  Reflect.deleteProperty(AbortSignal, 'any')
  const { client } = open([accepted], { token: 't' })
  try {
    await expect(client.request('sync', {}, { signal: new AbortController().signal })).rejects.toThrow(TypeError)
  } finally {
    AbortSignal.any = any
  }
})

test('a given fetch is called as a function, because browsers refuse it as a method', async () => {
  async function fetch(this: unknown): Promise<Response> {
    if (this !== undefined) throw new TypeError('Illegal invocation')
    return accepted()
  }
  const client = createClient({ url, token: 't', fetch })
  expect(await client.request('sync')).toEqual({ id: 'r1', absorbed: false })
})
