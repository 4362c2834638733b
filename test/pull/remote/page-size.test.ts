import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextPageSize } from '../../../src/pull/remote/page-size.ts'

const megabyte = 2 ** 20

test('a page is as large as allowed while it is small and quick, and grows back to that', () => {
  expect(nextPageSize(1_000, { rows: 1_000, bytes: megabyte, ms: 100 }, 1_000)).toBe(1_000)
  expect(nextPageSize(100, { rows: 100, bytes: megabyte / 10, ms: 100 }, 1_000)).toBe(200)
})

test('a page shrinks to what fits into eight megabytes and five seconds, but only for slowness not below fifty rows', () => {
  expect(nextPageSize(1_000, { rows: 1_000, bytes: 80 * megabyte, ms: 100 }, 1_000)).toBe(100)
  expect(nextPageSize(1, { rows: 1, bytes: 10 * megabyte, ms: 100 }, 1_000)).toBe(1)
  expect(nextPageSize(1_000, { rows: 1_000, bytes: megabyte, ms: 20_000 }, 1_000)).toBe(250)
  expect(nextPageSize(60, { rows: 60, bytes: megabyte, ms: 60_000 }, 1_000)).toBe(50)
})

test('whatever was measured, the next page has at least one row, and at most what is allowed and twice as many', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.record({ rows: fc.integer({ min: 1, max: 5_000 }), bytes: fc.nat(), ms: fc.nat() }),
      fc.integer({ min: 1, max: 5_000 }),
      (size, page, most) => {
        const next = nextPageSize(size, page, most)
        expect(next).toBeGreaterThanOrEqual(1)
        expect(next).toBeLessThanOrEqual(Math.min(most, size * 2))
        expect(Number.isInteger(next)).toBe(true)
      },
    ),
  )
})
