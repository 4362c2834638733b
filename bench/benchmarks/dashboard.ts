import { fillStore, many, manyPages } from '../../test/dashboard/fill-store.ts'
import type { Benchmark, Judged } from '../benchmark.ts'
import { percentile } from '../rounds.ts'
import { openSpine, startServices } from '../services.ts'
import { startWorker } from '../worker-process.ts'

const names = ['sync-users', 'sync-articles', 'sync-topics'] as const

/** Each page of the dashboard, and its largest change, on a store that is as full as that of a large installation. */
export const dashboard: Benchmark = {
  name: 'dashboard',
  async measure(bench, { runs }) {
    await using services = await startServices()
    await using spine = await openSpine(bench, services)
    for (const statement of fillStore(names)) await spine.query(statement)
    const { issuer } = bench.idp
    const { databaseUrl } = spine
    const options = { ...bench.client, issuer, databaseUrl, accounts: many.accounts, jobs: names }
    await using server = await startWorker('serve-dashboard.ts', options)
    const viewer = await enter(server.url ?? '')

    const pages: Page[] = []
    for (const address of manyPages(names)) pages.push(await viewer.measure(address || './', runs * 10))
    const slowest = worstOf(pages, ({ p95 }) => p95)
    const heaviest = worstOf(pages, ({ bytes }) => bytes)
    return [
      {
        what: 'dashboard: p95 of the slowest page, ms',
        value: slowest.p95,
        limit: { atMost: 100 },
        rounds: pages,
        detail: `${slowest.address}, p50 ${slowest.p50.toFixed(0)} ms; ${pages.length} pages`,
      },
      {
        what: 'dashboard: the heaviest page, kB compressed',
        value: heaviest.bytes / 1_000,
        limit: { atMost: 30 },
        rounds: pages,
        detail: heaviest.address,
      },
      await viewer.retryAll(),
    ]
  },
}

type Page = { readonly address: string; readonly bytes: number; readonly p50: number; readonly p95: number }

function worstOf(pages: readonly Page[], by: (page: Page) => number): Page {
  const [worst] = pages.toSorted((a, b) => by(b) - by(a))
  if (!worst) throw new Error('There are no pages')
  return worst
}

/** Somebody who has opened the link. */
async function enter(link: string) {
  const entered = await fetch(link, { redirect: 'manual' })
  const cookie = entered.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const ask = async (address: string, init: RequestInit = {}) => {
    const headers = { cookie, 'accept-encoding': 'gzip', 'sec-fetch-site': 'same-origin' }
    const response = await fetch(new URL(address, link), { headers, redirect: 'manual', ...init })
    const text = await response.text()
    if (response.status >= 400) throw new Error(`${address}: HTTP ${response.status}`)
    return { text, bytes: Number(response.headers.get('content-length')) }
  }
  return {
    async measure(address: string, times: number): Promise<Page> {
      // The first ones compile, plan and read from the disk.
      for (let n = 0; n < 5; n += 1) await ask(address)
      const took: number[] = []
      let bytes = 0
      while (took.length < times) {
        const beganAt = performance.now()
        bytes = (await ask(address)).bytes
        took.push(performance.now() - beganAt)
      }
      return { address, bytes, p50: percentile(took, 0.5), p95: percentile(took, 0.95) }
    },
    async retryAll(): Promise<Judged> {
      const { text } = await ask('confirm?action=retry&state=failed')
      const upTo = /name="upTo" value="(\d+)"/.exec(text)?.[1] ?? ''
      const body = new URLSearchParams({ action: 'retry', state: 'failed', upTo })
      const beganAt = performance.now()
      await ask('act', { method: 'POST', body })
      const seconds = (performance.now() - beganAt) / 1_000
      const audit = await ask('audit')
      if (!audit.text.includes(many.failed.toLocaleString('en'))) throw new Error('Not all of them were retried')
      const detail = 'one change over a filter, with its preview and its audit'
      const what = `dashboard: ${many.failed.toLocaleString('en')} failed requests retried, s`
      return { what, value: seconds, limit: { atMost: 5 }, rounds: [{ seconds }], detail }
    },
  }
}
