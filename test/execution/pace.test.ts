import { expect, test } from 'vitest'
import { progressLine } from '../../src/cli/progress-line.ts'
import { createPace } from '../../src/execution/pace.ts'
import { systemClock } from '../../src/time/clock.ts'

const clockAt = (times: number[]) => ({
  ...systemClock,
  elapsed: () => times.shift() ?? expect.fail('asked too often'),
})

test('the pace of a run is that of its own rows, and with a total it tells how long it will take', () => {
  const pace = createPace(clockAt([0, 2_000, 4_000]))
  expect(pace({ done: 500, total: 10_000, doneBefore: 300 })).toMatchObject({ rowsPerSecond: 100, etaSeconds: 95 })
  expect(pace({ done: 900, total: 10_000, doneBefore: 300 })).toMatchObject({ rowsPerSecond: 150, etaSeconds: 61 })
})

test('a pace without a total predicts no end, and a read that starts after another is measured separately', () => {
  const pace = createPace(clockAt([0, 1_000, 10_000, 10_000, 12_000]))
  expect(pace({ done: 500 })).toEqual({ done: 500, rowsPerSecond: 500 })
  expect(pace({ done: 0 })).toEqual({ done: 0, rowsPerSecond: 0 })
  expect(pace({ done: 400 })).toEqual({ done: 400, rowsPerSecond: 200 })
})

test('the line on a terminal has a bar, the rows, the pace and what is left', () => {
  expect(progressLine({ done: 2_500, total: 10_000, rowsPerSecond: 1_250, etaSeconds: 3_700 })).toBe(
    `[${'█'.repeat(8)}${'·'.repeat(22)}] 2,500 of 10,000 rows, 1,250/s, 1 h 1 min left`,
  )
  expect(progressLine({ done: 2_500, rowsPerSecond: 1_250 })).toBe('2,500 rows, 1,250/s')
  expect(progressLine({ done: 1, total: 2, rowsPerSecond: 1, etaSeconds: 61 })).toMatch(/, 1 min 1 s left$/)
})
