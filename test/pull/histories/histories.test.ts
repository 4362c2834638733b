import { expectHistories, historyTest as test } from './expect-histories.ts'

test('mirror and feed follow the source, whatever is written, runs and breaks off', async ({ app, sandbox }) => {
  await expectHistories(app, sandbox, { numRuns: 15, forMs: 60_000, seed: 1 })
})
