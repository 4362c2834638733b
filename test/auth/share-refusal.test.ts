import { expect, test } from 'vitest'
import { shareRefusal } from '../../src/auth/share-refusal.ts'
import { Token } from '../../src/auth/token.ts'
import { OutageError, RefusalError } from '../../src/errors.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const { signal } = new AbortController()

function open(outcomes: readonly (Error | Token)[]) {
  const clock = new VirtualClock()
  let asked = 0
  const { requestToken, forget } = shareRefusal(async () => {
    const outcome = outcomes[asked]
    asked += 1
    if (outcome instanceof Token) return outcome
    throw outcome
  }, clock)
  return { clock, forget, get: () => requestToken(undefined, signal), asked: () => asked }
}

const refusal = new RefusalError('client-auth', 'account', 'no')
const token = new Token('a', 1)

test('a refusal of the client is the answer of those who ask within a second, and of nobody later', async () => {
  const { clock, get, asked } = open([refusal, token])
  await expect(get()).rejects.toBe(refusal)
  clock.advance(999)
  await expect(get()).rejects.toBe(refusal)
  expect(asked()).toBe(1)
  clock.advance(1)
  expect(await get()).toBe(token)
})

test('a probe asks for itself', async () => {
  const { get, forget } = open([refusal, token])
  await expect(get()).rejects.toBe(refusal)
  forget()
  expect(await get()).toBe(token)
})

test.each([new OutageError('token-endpoint', 'account', 'away'), new RefusalError('scope', 'account', 'not granted')])(
  'another failure is nobody else’s: $message',
  async failure => {
    const { get } = open([failure, token])
    await expect(get()).rejects.toBe(failure)
    expect(await get()).toBe(token)
  },
)
