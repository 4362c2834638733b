import { setTimeout as delay } from 'node:timers/promises'
import type { Benchmark } from '../benchmark.ts'
import { median, percentile } from '../rounds.ts'
import { openSpine, startServices } from '../services.ts'

const lines = 20

/** From kill -9 of a process that holds leases until each of its requests runs again in another process. */
export const pickup: Benchmark = {
  name: 'pickup',
  async measure(bench, { runs }) {
    await using services = await startServices()
    const rounds: { readonly p50: number; readonly p99: number }[] = []
    for (let run = 0; run < Math.min(runs, 3); run += 1) {
      await using spine = await openSpine(bench, services)
      const settings = { accounts: lines, slots: lines, waitMs: 3_600_000 }
      const first = await spine.serve(settings)
      await spine.accept(lines, lines)
      while ((await spine.query(`select from worker.requests where state = 'running'`)).length < lines) await delay(20)
      await using _second = await spine.serve(settings)
      const [now] = await spine.query<{ now: Date }>('select clock_timestamp() as now')
      await first.kill()
      const again = `select started_at from worker.runs where attempt = 1 and state = 'running' and started_at > $1`
      let started: readonly { readonly started_at: Date }[] = []
      while (started.length < lines) {
        await delay(50)
        started = await spine.query<{ started_at: Date }>(again, [now?.now])
      }
      const seconds = started.map(row => (row.started_at.getTime() - (now?.now.getTime() ?? 0)) / 1000)
      rounds.push({ p50: percentile(seconds, 0.5), p99: percentile(seconds, 0.99) })
    }
    return [
      {
        what: `pickup: p99 after kill -9 of a process with ${lines} runs, s`,
        value: median(rounds.map(({ p99 }) => p99)),
        limit: { atMost: 8 },
        rounds,
        detail: `p50 ${median(rounds.map(({ p50 }) => p50)).toFixed(1)} s`,
      },
    ]
  },
}
