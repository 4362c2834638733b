import type { Benchmark } from '../benchmark.ts'
import { doNothing, pull, startHasuraApi } from '../contest.ts'
import { interleave, median } from '../rounds.ts'

/** A run that finds nothing to do, like most scheduled runs. */
export const noChange: Benchmark = {
  name: 'no-change',
  async measure(bench, { rows = 10_000, runs, pageSize }) {
    await using api = await startHasuraApi(bench, { rows })
    await using database = await bench.createDatabase()
    const counted = async () => ({
      requests: await api.countRequests(),
      transactions: await database.countTransactions(),
    })
    const costOf = async (run: () => Promise<unknown>) => {
      const before = await counted()
      await run()
      const after = await counted()
      return {
        requests: after.requests - before.requests,
        transactions: after.transactions - before.transactions,
      }
    }
    const contestants = {
      pull: () => costOf(() => pull(bench, api, database, { pageSize })),
      nothing: () => costOf(() => doNothing(bench, api, database)),
    }
    // The first run of each creates what it needs.
    await interleave(1, contestants)
    const rounds = await interleave(runs, contestants)
    const result = (what: 'requests' | 'transactions', atMost: number) => ({
      what: `no-change: ${what} of a run that finds nothing`,
      value: median(rounds.map(round => round.pull[what] - round.nothing[what])),
      limit: { atMost },
      rounds,
      detail: 'more than a run whose job does nothing',
    })
    return [result('requests', 3), result('transactions', 2)]
  },
}
