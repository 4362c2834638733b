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

test.each(Array.from({ length: 25 }, (_, question) => [question]))(
  'one question that fails (%i) doesn’t lose many',
  async failing => {
    let asked = 0
    const found = await estimateRows(async count => asked++ !== failing && count <= 100_000, 80_000)
    if (failing > 0) expect(found).toBeGreaterThan(80_000 * 0.99)
    expect(found).toBeLessThanOrEqual(100_000)
  },
)
