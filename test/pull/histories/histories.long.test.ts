import { expectHistories, historyTest as test } from './expect-histories.ts'

test('mirror and feed follow the source, in many histories', async ({ app, sandbox }) => {
  await expectHistories(app, sandbox, { numRuns: 100, forMs: 240_000, seed: 2 })
})
