import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'
import { z } from 'zod'
import type { Benchmark } from '../benchmark.ts'
import type { Bench } from '../open-bench.ts'
import { median, percentile } from '../rounds.ts'
import { openSpine, type Services, startServices } from '../services.ts'

const perSecond = 1_000
const accounts = 50

/** Requests over HTTP at a constant rate, accepted and run by a worker. */
export const http: Benchmark = {
  name: 'http',
  async measure(bench, { rows = 20_000, runs }) {
    await using services = await startServices()
    const rounds: Round[] = []
    for (let round = 0; round < Math.min(runs, 3); round += 1) rounds.push(await acceptAtRate(bench, services, rows))
    const of = (share: number): number => median(rounds.map(({ latencies }) => percentile(latencies, share)))
    const lost = rounds.reduce((sum, round) => sum + round.lost, 0)
    const rate = median(rounds.map(({ ratePerSecond }) => ratePerSecond))
    const detail = `${Math.round(rate)} requests/s, p50 ${of(0.5).toFixed(1)} ms`
    const kept = rounds.map(({ latencies: _, ...round }) => round)
    return [
      { what: 'http: p99 of a request at 1,000/s, ms', value: of(0.99), limit: { atMost: 100 }, rounds: kept, detail },
      { what: 'http: accepted but never run', value: lost, limit: { atMost: 0 }, rounds: kept, detail },
    ]
  },
}

interface Round {
  /** Milliseconds since each request was due, so that a stalled server can't hide its latency. */
  readonly latencies: readonly number[]
  readonly ratePerSecond: number
  readonly lost: number
}

async function acceptAtRate(bench: Bench, services: Services, count: number): Promise<Round> {
  await using spine = await openSpine(bench, services)
  await using worker = await spine.serve({ accounts, slots: accounts, http: true })
  const token = await fetchToken(bench)
  const pool = new Pool(worker.url ?? '', { connections: 100, pipelining: 1 })

  async function request(n: number): Promise<string> {
    const path = '/jobs/wait/requests'
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ account: `account-${n % accounts}`, payload: { n } })
    const response = await pool.request({ method: 'POST', path, headers, body })
    const text = await response.body.text()
    if (response.statusCode !== 202) throw new Error(`HTTP ${response.statusCode}: ${text}`)
    return z.object({ id: z.string() }).parse(JSON.parse(text)).id
  }

  try {
    for (let n = 0; n < accounts * 4; n += 1) await request(n)
    await spine.settle()
    const latencies: number[] = []
    const startedAt = performance.now()
    const asked: Promise<string>[] = []
    while (asked.length < count) {
      const due = Math.min(count, Math.floor(((performance.now() - startedAt) * perSecond) / 1_000))
      for (let n = asked.length; n < due; n += 1) {
        const dueAt = startedAt + (n * 1_000) / perSecond
        asked.push(
          request(accounts * 4 + n).then(id => {
            latencies.push(performance.now() - dueAt)
            return id
          }),
        )
      }
      await delay(1)
    }
    const ids = await Promise.all(asked)
    const seconds = (performance.now() - startedAt) / 1_000
    await spine.settle()
    const [row] = await spine.query<{ run: number }>(
      `select count(*)::int as run from worker.requests where state = 'done' and id = any($1)`,
      [ids],
    )
    return { latencies, ratePerSecond: count / seconds, lost: count - (row?.run ?? 0) }
  } finally {
    await pool.close()
  }
}

async function fetchToken({ idp, client }: Bench): Promise<string> {
  const { clientId, clientSecret } = client
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: clientId,
    client_secret: clientSecret,
  })
  const response = await fetch(idp.tokenUrl, { method: 'POST', body })
  return z.object({ access_token: z.string() }).parse(await response.json()).access_token
}
