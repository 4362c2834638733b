import { setTimeout as delay } from 'node:timers/promises'
import type { Benchmark } from '../benchmark.ts'
import { startPreparedApi } from '../contest.ts'
import { percentile } from '../rounds.ts'
import { openSpine, startServices } from '../services.ts'

const seconds = 40

/** 1,000 accounts with one job a minute each, in one process, with an API that takes 20 ms. */
export const eachMinute: Benchmark = {
  name: 'each-minute',
  async measure(bench, { rows: accounts = 1_000 }) {
    await using services = await startServices()
    await using api = await startPreparedApi({ rows: 1, latencyMs: 20 })
    await using spine = await openSpine(bench, services)
    const settings = { accounts, slots: 8, everySeconds: 60, apiUrl: api.url }
    await using worker = await spine.serve(settings)
    // The first runs are all due at once, and each fetches its account's token.
    const done = `select from worker.requests where state = 'done'`
    while ((await spine.query(done)).length < accounts) await delay(200)
    await spine.query(
      `update worker.schedules s set next_run_at = now() + p.place * interval '60 seconds' / $1::int
       from (select account, row_number() over (order by account) as place from worker.schedules) p where p.account = s.account`,
      [accounts],
    )
    const due = await spine.query<{ account: string; due: Date }>(
      `select account, next_run_at as due from worker.schedules where next_run_at < now() + make_interval(secs => $1)`,
      [seconds],
    )
    const [before, startedAt] = [await worker.cpuSeconds(), performance.now()]
    await delay(seconds * 1000 + 3_000)
    const cores = ((await worker.cpuSeconds()) - before) / ((performance.now() - startedAt) / 1000)
    const ran = new Map(
      (
        await spine.query<{ account: string; at: Date }>(
          'select account, max(started_at) as at from worker.runs group by account',
        )
      ).map(row => [row.account, row.at.getTime()]),
    )
    const late = due.map(row => Math.max(0, (ran.get(row.account) ?? 0) - row.due.getTime()) / 1000)
    const missing = due.filter(row => (ran.get(row.account) ?? 0) < row.due.getTime()).length
    if (missing > 0) throw new Error(`${missing} of ${due.length} accounts have not run in time`)
    const rounds = [{ p50: percentile(late, 0.5), p99: percentile(late, 0.99), cores }]
    return [
      {
        what: `each-minute: p99 lateness of ${accounts.toLocaleString('en')} accounts' job, s`,
        value: percentile(late, 0.99),
        limit: { atMost: 1 },
        rounds,
        detail: `p50 ${percentile(late, 0.5).toFixed(2)} s`,
      },
      {
        what: 'each-minute: cores of the process',
        value: cores,
        limit: { atMost: 0.5 },
        rounds,
        detail: `${due.length} runs`,
      },
    ]
  },
}
