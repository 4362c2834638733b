import fc from 'fast-check'
import { expect, test } from 'vitest'
import { estimateRows } from '../../../src/sync/remote/split-ranges.ts'

test('the number of rows is found to a hundredth, by asking a few times for a few at once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(2 ** 40), fc.integer({ min: 1, max: 100_000 }), async (rows, least) => {
      const asked: number[] = []
      const found = await estimateRows(async count => {
        asked.push(count)
        return count <= rows
      }, least)
      expect(found).toBeLessThanOrEqual(rows)
      expect(found).toBeGreaterThanOrEqual(rows < least ? 0 : rows * 0.99 - 1)
      // Far behind the last row an API has to look at every row to find that there is none.
      expect(Math.max(...asked)).toBeLessThanOrEqual(Math.max(least, rows * 4))
      expect(asked.length).toBeLessThanOrEqual(2 + Math.log(Math.max(1, rows / least)) / Math.log(4) + 21)
    }),
  )
})

// The first three find that there are more than 32,000 and fewer than 128,000.
test.each(Array.from({ length: 21 }, (_, index) => [index + 3]))(
  'question %i that fails leaves most of the rows',
  async failing => {
    let asked = 0
    const found = await estimateRows(async count => asked++ !== failing && count <= 100_000, 8_000)
    expect(found).toBeGreaterThan(85_000)
    expect(found).toBeLessThanOrEqual(100_000)
  },
)
