import type { Benchmark } from '../benchmark.ts'
import { pullAll, startPreparedApi } from '../contest.ts'
import { ratioOf } from '../ratio.ts'
import { interleave } from '../rounds.ts'

/** Small enough that eight pages are written within the latency of one; otherwise the cores are measured, not the ranges. */
const pageSize = 200

/** A distant API: several concurrent pages share one wait. */
export const ranges: Benchmark = {
  name: 'ranges',
  async measure(bench, { rows = 100_000, runs }) {
    await using api = await startPreparedApi({ rows, latencyMs: 50 })
    const rounds = await interleave(runs, {
      'one range': () => pullAll(bench, api, { pageSize, ranges: 1 }),
      '8 ranges': () => pullAll(bench, api, { pageSize, ranges: 8 }),
    })
    const what = `ranges: 8 ranges / one, 50 ms a page, ${rows.toLocaleString('en')} rows`
    return [{ what, ...ratioOf(rounds, '8 ranges', 'one range'), limit: { atLeast: 6 } }]
  },
}
