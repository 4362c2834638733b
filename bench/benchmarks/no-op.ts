import type { Benchmark, Result } from '../benchmark.ts'
import { measureRuns } from '../measure-runs.ts'
import type { Bench } from '../open-bench.ts'
import { ratioOf } from '../ratio.ts'
import { interleave, warmUp } from '../rounds.ts'
import { openSpine, type Services, startServices } from '../services.ts'
import { type Measured, runContestant } from '../start-process.ts'

/** Runs that do nothing, of requests accepted beforehand on as many lines as slots, against two commits per run. */
export const noOp: Benchmark = {
  name: 'no-op',
  async measure(bench, { rows, runs }) {
    await using services = await startServices()
    const results: Result[] = []
    for (const [slots, requests] of [
      [1, 1_500],
      [8, 10_000],
      [50, 15_000],
    ] as const) {
      const count = rows ?? requests
      const rounds = await interleave(runs, {
        commits: () => commitLoop(bench, services, { concurrency: slots, rows: count, commits: 2 }),
        runs: () => runNoOps(bench, services, slots, count),
      })
      const what = `no-op: runs / two commits each, concurrency ${slots}`
      results.push({ what, ...ratioOf(rounds, 'runs', 'commits', 'runs/s'), limit: { atLeast: 0.6 } })
    }
    return results
  },
}

export async function commitLoop(bench: Bench, services: Services, options: object): Promise<Measured> {
  await using spine = await openSpine(bench, services)
  return await runContestant('commit-loop.ts', { databaseUrl: spine.databaseUrl, ...options })
}

async function runNoOps(bench: Bench, services: Services, slots: number, runs: number): Promise<Measured> {
  await using spine = await openSpine(bench, services)
  await using _worker = await spine.serve({ accounts: slots, slots })
  return await measureRuns(spine, { accounts: slots, warmUp, runs })
}
