import type { Benchmark } from '../benchmark.ts'
import { fetchAlone, pullAll, startHasuraApi } from '../contest.ts'
import { ratioOf } from '../ratio.ts'
import { interleave } from '../rounds.ts'

/** An API that answers as fast as it can on the same cores, for which the pull competes with it. */
export const local: Benchmark = {
  name: 'local',
  async measure(bench, { rows = 100_000, runs, pageSize }) {
    await using api = await startHasuraApi(bench, { rows })
    const rounds = await interleave(runs, {
      fetching: () => fetchAlone(bench, api, pageSize),
      pull: () => pullAll(bench, api, { pageSize }),
    })
    const what = `local: pull / fetching alone, same cores, ${rows.toLocaleString('en')} rows`
    return [{ what, ...ratioOf(rounds, 'pull', 'fetching'), limit: { atLeast: 0.75 } }]
  },
}
