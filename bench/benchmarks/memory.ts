import type { Benchmark } from '../benchmark.ts'
import { pullAll, startPreparedApi } from '../contest.ts'
import { interleave, median } from '../rounds.ts'

/** Ten times the rows must fit in the same memory. */
export const memory: Benchmark = {
  name: 'memory',
  async measure(bench, { rows = 1_000_000, runs, pageSize }) {
    const tenth = Math.ceil(rows / 10)
    await using few = await startPreparedApi({ rows: tenth, latencyMs: 0 })
    await using many = await startPreparedApi({ rows, latencyMs: 0 })
    const rounds = await interleave(runs, {
      few: () => pullAll(bench, few, { pageSize }),
      many: () => pullAll(bench, many, { pageSize }),
    })
    const peakOf = (name: 'few' | 'many') => Math.round(median(rounds.map(round => round[name].peakMegabytes)))
    return [
      {
        what: `memory: pull's peak for ${rows.toLocaleString('en')} rows / for ${tenth.toLocaleString('en')}`,
        value: median(rounds.map(round => round.many.peakMegabytes / round.few.peakMegabytes)),
        limit: { atMost: 1.1 },
        rounds,
        detail: `${peakOf('many')} MB, ${peakOf('few')} MB`,
      },
    ]
  },
}
