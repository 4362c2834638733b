import { expect, test } from 'vitest'
import { createCallerRate } from '../../src/http/caller-rate.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'

test('a caller may send on when somebody has corrected the machine’s clock, and no sooner than before', async () => {
  const clock = new ManualClock()
  const waitMsOf = createCallerRate(60, clock)
  for (let request = 0; request < 10; request += 1) expect(waitMsOf('client/one')).toBe(0)
  clock.correct(-7_200_000)
  expect(waitMsOf('client/one')).toBe(1_000)
  await clock.advance(1_000)
  expect(waitMsOf('client/one')).toBe(0)
  clock.correct(14_400_000)
  expect(waitMsOf('client/one')).toBe(1_000)
})
