import type { Benchmark } from '../benchmark.ts'
import { ratioOf } from '../ratio.ts'
import { interleave } from '../rounds.ts'
import { openSpine, startServices } from '../services.ts'
import { runContestant } from '../start-process.ts'
import { commitLoop } from './no-op.ts'

/** Accepting a request against one commit. */
export const accept: Benchmark = {
  name: 'accept',
  async measure(bench, { rows = 15_000, runs }) {
    await using services = await startServices()
    const rounds = await interleave(runs, {
      commits: () => commitLoop(bench, services, { concurrency: 8, rows, commits: 1 }),
      accepts: async () => {
        await using spine = await openSpine(bench, services)
        return await runContestant('accept-loop.ts', { databaseUrl: spine.databaseUrl, concurrency: 8, rows })
      },
    })
    const ratio = ratioOf(rounds, 'accepts', 'commits', 'requests/s')
    return [{ what: 'accept: requests / one commit each, concurrency 8', ...ratio, limit: { atLeast: 0.8 } }]
  },
}
