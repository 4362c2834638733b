import type { Benchmark, Result } from '../benchmark.ts'
import { fetchAlone, pullAll, startPreparedApi } from '../contest.ts'
import { ratioOf } from '../ratio.ts'
import { interleave } from '../rounds.ts'

/** An API on another machine, which costs this one only waiting. */
export const remote: Benchmark = {
  name: 'remote',
  async measure(bench, { rows, runs, pageSize }) {
    const results: Result[] = []
    for (const count of rows ? [rows] : [100_000, 1_000_000]) {
      await using api = await startPreparedApi({ rows: count, latencyMs: 30 })
      const rounds = await interleave(runs, {
        fetching: () => fetchAlone(bench, api, pageSize),
        pull: () => pullAll(bench, api, { pageSize, ranges: 1 }),
      })
      const what = `remote: pull / fetching alone, 30 ms a page, ${count.toLocaleString('en')} rows`
      results.push({ what, ...ratioOf(rounds, 'pull', 'fetching'), limit: { atLeast: 0.95 } })
    }
    return results
  },
}
