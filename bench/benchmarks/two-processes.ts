import type { Benchmark } from '../benchmark.ts'
import { measureRuns } from '../measure-runs.ts'
import type { Bench } from '../open-bench.ts'
import { ratioOf } from '../ratio.ts'
import { interleave } from '../rounds.ts'
import { openSpine, type Services, startServices } from '../services.ts'
import type { Measured } from '../start-process.ts'

const accounts = 32

/** Jobs that wait for another machine, in two processes and in one. */
export const twoProcesses: Benchmark = {
  name: 'two-processes',
  async measure(bench, { rows = 640, runs }) {
    await using services = await startServices()
    const rounds = await interleave(Math.min(runs, 3), {
      one: () => measure(bench, services, rows, 1),
      two: () => measure(bench, services, rows, 2),
    })
    const ratio = ratioOf(rounds, 'two', 'one', 'runs/s')
    return [{ what: 'two-processes: two / one, jobs of 50 ms', ...ratio, limit: { atLeast: 1.7 } }]
  },
}

async function measure(bench: Bench, services: Services, rows: number, processes: number): Promise<Measured> {
  await using spine = await openSpine(bench, services)
  await using workers = new AsyncDisposableStack()
  for (let index = 0; index < processes; index += 1) {
    workers.use(await spine.serve({ accounts, slots: 8, waitMs: 50 }))
  }
  return await measureRuns(spine, { accounts, warmUp: accounts * processes, runs: rows })
}
