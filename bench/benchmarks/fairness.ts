import { setTimeout as delay } from 'node:timers/promises'
import type { Benchmark } from '../benchmark.ts'
import { percentile } from '../rounds.ts'
import { openSpine, startServices } from '../services.ts'

/** A request of one account while another account has very many waiting. */
export const fairness: Benchmark = {
  name: 'fairness',
  async measure(bench, { rows = 100_000 }) {
    await using services = await startServices()
    await using spine = await openSpine(bench, services)
    await spine.accept(rows, 1)
    await using _worker = await spine.serve({ accounts: 2, slots: 8 })
    const one = `select worker.request('wait', 'account-1', jsonb_build_object('n', $1::int))`
    const started = `select r.started_at - q.requested_at as waited from worker.runs r
      join worker.requests q on q.id = r.request_id where q.account = 'account-1'`
    const count = 30
    for (let n = 0; n <= count; n += 1) {
      await spine.query(one, [n])
      while ((await spine.query(started)).length <= n) await delay(5)
      await delay(100)
    }
    const [busy] = await spine.query<{ left: number }>(
      `select count(*)::int as left from worker.requests where account = 'account-0' and state = 'waiting'`,
    )
    if (!busy?.left) throw new Error('The other account ran out of requests: increase --rows')
    const waits = await spine.query<{ ms: number }>(
      `select extract(epoch from waited)::float8 * 1000 as ms from (${started} order by r.seq offset 1) w`,
    )
    const ms = waits.map(row => row.ms)
    return [
      {
        what: `fairness: p99 of a request beside ${rows.toLocaleString('en')} of another account, ms`,
        value: percentile(ms, 0.99),
        limit: { atMost: 100 },
        rounds: [{ p50: percentile(ms, 0.5), p99: percentile(ms, 0.99), left: busy.left }],
        detail: `p50 ${percentile(ms, 0.5).toFixed(0)} ms`,
      },
    ]
  },
}
