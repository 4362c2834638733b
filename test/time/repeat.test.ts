import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { repeat } from '../../src/time/repeat.ts'

/** A clock that writes its pauses down; each is over when `pass` says so, or when it is aborted. */
function createClock() {
  const pauses: number[] = []
  let pass = () => {}
  const sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    pauses.push(ms)
    return new Promise((resolve, reject) => {
      pass = resolve
      const leave = () => reject(signal?.reason)
      if (signal?.aborted) leave()
      signal?.addEventListener('abort', leave)
    })
  }
  return { clock: { now: () => 0, elapsed: () => 0, sleep }, pauses, pass: () => pass() }
}

test('each turn comes after the pause that the one before has asked for', async () => {
  const { clock, pauses, pass } = createClock()
  const asked = [10, 0, 30]
  let turns = 0
  await using _ = repeat(clock, async () => asked[turns++] ?? 1_000, { firstAfterMs: 5 })
  expect(turns).toBe(0)
  for (let passed = 0; passed < 3; passed += 1) {
    pass()
    await setImmediate()
  }
  expect(pauses).toEqual([5, 10, 30, 1_000])
  expect(turns).toBe(4)
})

test('who rings waits for no pause, and the turn knows', async () => {
  const { clock } = createClock()
  const told: boolean[] = []
  await using turns = repeat(clock, async ({ isAsked }) => {
    told.push(isAsked)
    return 1_000
  })
  await setImmediate()
  turns.ring()
  turns.ring()
  await setImmediate()
  expect(told).toEqual([false, true])
})

test('a ring during a turn makes one more', async () => {
  const { clock } = createClock()
  const first = Promise.withResolvers<number>()
  let count = 0
  await using turns = repeat(clock, () => (++count === 1 ? first.promise : Promise.resolve(1_000)))
  turns.ring()
  first.resolve(1_000)
  await setImmediate()
  expect(count).toBe(2)
})

test('no turn begins after it was disposed, and the one under way is waited for', async () => {
  const { clock } = createClock()
  const turn = Promise.withResolvers<number>()
  let count = 0
  const turns = repeat(clock, ({ signal }) => {
    count += 1
    signal.addEventListener('abort', () => turn.resolve(0))
    return turn.promise
  })
  await turns[Symbol.asyncDispose]()
  await setImmediate()
  expect(count).toBe(1)
})

test('a turn that does not end is abandoned', async () => {
  const { clock, pauses, pass } = createClock()
  const turns = repeat(clock, () => new Promise(() => {}), { stopWithinMs: 500 })
  const disposed = turns[Symbol.asyncDispose]()
  pass()
  await disposed
  expect(pauses).toEqual([500])
})
