import type { Benchmark } from '../benchmark.ts'
import { dltMerge, pullAll, startHasuraApi } from '../contest.ts'
import { installDlt } from '../install-dlt.ts'
import { ratioOf } from '../ratio.ts'
import { interleave } from '../rounds.ts'

/** The same load by dlt, a tool for such loads: same API, same Postgres, merged by primary key. */
export const dlt: Benchmark = {
  name: 'dlt',
  async measure(bench, { rows = 100_000, runs, pageSize }) {
    const what = `dlt: pull / dlt 1.31, same cores, ${rows.toLocaleString('en')} rows`
    const found = await installDlt()
    if ('missing' in found) return [{ what, skipped: found.missing }]
    await using api = await startHasuraApi(bench, { rows })
    const rounds = await interleave(runs, {
      dlt: () => dltMerge(bench, api, pageSize, found.python),
      pull: () => pullAll(bench, api, { pageSize }),
    })
    return [{ what, ...ratioOf(rounds, 'pull', 'dlt'), limit: { atLeast: 3.5 } }]
  },
}
