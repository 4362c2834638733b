import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource, renewAt, type TokenSource } from '../../src/auth/token-source.ts'
import { OutageError, RefusalError } from '../../src/errors.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

/** A source whose fetches end when the test says so. */
function openSource(): {
  source: TokenSource
  clock: VirtualClock
  fetches: { previous: Token | undefined; signal: AbortSignal; answer: PromiseWithResolvers<Token> }[]
} {
  const clock = new VirtualClock()
  const fetches: ReturnType<typeof openSource>['fetches'] = []
  const source = createTokenSource({
    clock,
    requestToken: (previous, signal) => {
      const answer = Promise.withResolvers<Token>()
      fetches.push({ previous, signal, answer })
      return answer.promise
    },
  })
  return { source, clock, fetches }
}

const down = new OutageError('token-endpoint', 'account', 'down')

function tokenFor(clock: VirtualClock, lifeMs: number, refreshToken?: string): Token {
  return new Token(`token-${clock.now()}`, clock.now() + lifeMs, refreshToken)
}

/** A source that has got a token already. */
async function openWithToken(lifeMs: number, refreshToken?: string) {
  const opened = openSource()
  const first = tokenFor(opened.clock, lifeMs, refreshToken)
  const got = opened.source.get()
  opened.fetches[0]?.answer.resolve(first)
  await got
  return { ...opened, first }
}

describe('a token source', () => {
  test('fetches once for eight who ask at the same time', async () => {
    const { source, clock, fetches } = openSource()
    const waiting = Array.from({ length: 8 }, () => source.get())
    const token = tokenFor(clock, 300_000)
    fetches[0]?.answer.resolve(token)
    expect(new Set(await Promise.all(waiting))).toEqual(new Set([token]))
    expect(fetches).toHaveLength(1)
    expect(fetches[0]?.signal.aborted).toBe(false)
  })

  test('fetches once for a thousand who ask at the instant of expiry', async () => {
    const { source, clock, fetches } = openSource()
    const got = source.get()
    fetches[0]?.answer.resolve(tokenFor(clock, 10_000))
    const first = await got
    clock.advance(10_000)
    const waiting = Array.from({ length: 1_000 }, () => source.get())
    fetches[1]?.answer.resolve(tokenFor(clock, 10_000))
    const tokens = new Set(await Promise.all(waiting))
    expect(tokens.size).toBe(1)
    expect(tokens).not.toContain(first)
    expect(fetches).toHaveLength(2)
  })

  test('keeps a token until 30 seconds before its end, then offers it for renewal', async () => {
    const { source, clock, fetches, first } = await openWithToken(300_000, 'refresh')
    clock.advance(269_999)
    expect(await source.get()).toBe(first)
    clock.advance(1)
    const renewed = source.get()
    expect(fetches[1]?.previous).toBe(first)
    const second = tokenFor(clock, 300_000)
    fetches[1]?.answer.resolve(second)
    expect(await renewed).toBe(second)
    expect(fetches).toHaveLength(2)
  })

  test('offers an expired token with its refresh token as well', async () => {
    const { source, clock, fetches } = openSource()
    const got = source.get()
    fetches[0]?.answer.resolve(tokenFor(clock, 60_000, 'refresh'))
    await got
    clock.advance(3_600_000)
    source.get().catch(() => undefined)
    expect(fetches[1]?.previous?.refreshToken).toBe('refresh')
  })

  test('discards a rejected token once, however many drop it late', async () => {
    const { source, clock, fetches } = openSource()
    const got = source.get()
    const rejected = tokenFor(clock, 300_000, 'refresh')
    fetches[0]?.answer.resolve(rejected)
    await got
    source.drop(rejected)
    source.drop(rejected)
    const again = source.get()
    expect(fetches[1]?.previous).toBeUndefined()
    const fresh = tokenFor(clock, 300_000)
    fetches[1]?.answer.resolve(fresh)
    expect(await again).toBe(fresh)
    source.drop(rejected)
    expect(await source.get()).toBe(fresh)
    expect(fetches).toHaveLength(2)
  })

  test('tells a failure to all who wait, and does not remember it', async () => {
    const { source, clock, fetches } = openSource()
    const failure = new Error('no')
    const waiting = [source.get(), source.get()]
    fetches[0]?.answer.reject(failure)
    expect(await Promise.allSettled(waiting)).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ])
    const next = source.get()
    const token = tokenFor(clock, 60_000)
    fetches[1]?.answer.resolve(token)
    expect(await next).toBe(token)
  })

  test('uses a token that cannot be renewed until it expires, and tries again every 5 seconds', async () => {
    const { source, clock, fetches, first } = await openWithToken(300_000)
    clock.advance(270_000)
    const waiting = [source.get(), source.get()]
    fetches[1]?.answer.reject(down)
    expect(await Promise.all(waiting)).toEqual([first, first])
    clock.advance(4_999)
    expect(await source.get()).toBe(first)
    expect(fetches).toHaveLength(2)
    clock.advance(1)
    const again = source.get()
    fetches[2]?.answer.reject(new OutageError('token-endpoint', 'account', 'wait', { retryAfterMs: 60_000 }))
    expect(await again).toBe(first)
    clock.advance(24_999)
    expect(await source.get()).toBe(first)
    clock.advance(1)
    const late = source.get()
    fetches[3]?.answer.reject(down)
    await expect(late).rejects.toBe(down)
  })

  test.each([
    ['that is refused', () => new RefusalError('client-auth', 'account', 'no'), () => {}],
    [
      'of a token that was rejected meanwhile',
      () => down,
      (source: TokenSource, token: Token) => {
        source.drop(token)
      },
    ],
  ])('a renewal %s is a failure', async (_what, failure, meanwhile) => {
    const { source, clock, fetches, first } = await openWithToken(300_000)
    clock.advance(270_000)
    const renewed = source.get()
    meanwhile(source, first)
    fetches[1]?.answer.reject(failure())
    await expect(renewed).rejects.toEqual(failure())
  })

  test('keeps a token in use until there is one in its place', async () => {
    const { source, clock, fetches, first } = await openWithToken(300_000, 'refresh')
    const failing = source.replace(first)
    expect(await source.get()).toBe(first)
    fetches[1]?.answer.reject(down)
    await expect(failing).rejects.toBe(down)
    expect(await source.get()).toBe(first)
    const replaced = [source.replace(first), source.replace(first)]
    expect(fetches[2]?.previous).toBeUndefined()
    const second = tokenFor(clock, 300_000)
    fetches[2]?.answer.resolve(second)
    expect(await Promise.all(replaced)).toEqual([second, second])
    expect(await source.replace(first)).toBe(second)
    expect(fetches).toHaveLength(3)
  })

  test('keeps a pause that the identity provider asks for, as long as the token is valid', async () => {
    const { source, clock, fetches, first } = await openWithToken(300_000)
    clock.advance(200_000)
    const refused = source.replace(first)
    fetches[1]?.answer.reject(new OutageError('token-endpoint', 'account', 'wait', { retryAfterMs: 80_000 }))
    await expect(refused).rejects.toMatchObject({ retryAfterMs: 80_000 })
    clock.advance(20_000)
    await expect(source.replace(first)).rejects.toMatchObject({
      code: 'token-endpoint',
      found: 'wait',
      retryAfterMs: 60_000,
    })
    clock.advance(59_999)
    expect(await source.get()).toBe(first)
    await expect(source.replace(first)).rejects.toMatchObject({ retryAfterMs: 1 })
    expect(fetches).toHaveLength(2)
    clock.advance(1)
    const replaced = source.replace(first)
    const second = tokenFor(clock, 300_000)
    fetches[2]?.answer.resolve(second)
    expect(await replaced).toBe(second)
  })

  test('asks in spite of a pause when it has no valid token, and a success ends the pause', async () => {
    const { source, clock, fetches } = openSource()
    const waiting = source.get()
    fetches[0]?.answer.reject(new OutageError('token-endpoint', 'account', 'wait', { retryAfterMs: 80_000 }))
    await expect(waiting).rejects.toMatchObject({ retryAfterMs: 80_000 })
    const probe = source.get()
    const token = tokenFor(clock, 300_000)
    fetches[1]?.answer.resolve(token)
    expect(await probe).toBe(token)
    source.replace(token).catch(() => undefined)
    expect(fetches).toHaveLength(3)
  })

  test('keeps fetching for the others when one caller gives up', async () => {
    const { source, clock, fetches } = openSource()
    const leaving = new AbortController()
    const [left, stays] = [source.get(leaving.signal), source.get(new AbortController().signal)]
    leaving.abort(new Error('leaving'))
    await expect(left).rejects.toThrow('leaving')
    expect(fetches[0]?.signal.aborted).toBe(false)
    const token = tokenFor(clock, 60_000)
    fetches[0]?.answer.resolve(token)
    expect(await stays).toBe(token)
  })

  test('aborts the fetch when everybody gave up, and starts a new one for who comes next', async () => {
    const { source, clock, fetches } = openSource()
    const leaving = new AbortController()
    const waiting = [source.get(leaving.signal), source.get(leaving.signal)]
    leaving.abort(new Error('leaving'))
    await Promise.allSettled(waiting)
    expect(fetches[0]?.signal.aborted).toBe(true)
    const next = source.get()
    const token = tokenFor(clock, 60_000)
    fetches[1]?.answer.resolve(token)
    // The fetch that nobody waits for any more ends late and must not put its token in the place of the new one.
    fetches[0]?.answer.resolve(tokenFor(clock, 1))
    expect(await next).toBe(token)
    expect(await source.get()).toBe(token)
  })

  test('rejects with the reason of a signal that was aborted before', async () => {
    const { source, fetches } = openSource()
    await expect(source.get(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late')
    expect(fetches).toHaveLength(0)
  })
})

describe('renewAt', () => {
  test.each([
    [300_000, 270_000],
    [1_800_000, 1_770_000],
    [60_000, 54_000],
    [10_000, 8_500],
    [2_000, 1_000],
    [0, 0],
  ])('a life of %d ms ends after %d ms of use', (lifeMs, usedMs) => {
    expect(renewAt(1_000, 1_000 + lifeMs) - 1_000).toBe(usedMs)
  })

  test('is never after the end, and never wastes more than 30 seconds, and a second and a half or a tenth', () => {
    const instants = fc.record({ requestedAt: fc.nat(2 ** 41), lifeMs: fc.nat(2 ** 35) })
    fc.assert(
      fc.property(instants, ({ requestedAt, lifeMs }) => {
        const early = requestedAt + lifeMs - renewAt(requestedAt, requestedAt + lifeMs)
        expect(early).toBeGreaterThanOrEqual(0)
        expect(early).toBeLessThanOrEqual(Math.min(30_000, Math.max(lifeMs / 10, 1_500)) + 0.01)
      }),
    )
  })
})
