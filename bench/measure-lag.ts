import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import type { Judged } from './benchmark.ts'
import { percentile } from './rounds.ts'

/** Articles that are changed in turn. */
export const changedArticles = 1_000

/**
 * Changes one article after the other, so many a second.
 *
 * @returns when the first change was made, and how many were made
 */
export async function changeArticles(
  source: pg.Client,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<{ readonly since: Date; readonly changes: number }> {
  const since = new Date()
  const end = performance.now() + seconds * 1_000
  let changes = 0
  while (performance.now() < end) {
    // Both databases are on this machine, so both commits have the same clock.
    await source.query(
      `update articles set title = title || '.', updated_at = clock_timestamp() where id = md5($1::text)::uuid`,
      [changes % changedArticles],
    )
    changes += 1
    await delay(Math.max(0, since.getTime() + (changes * 1_000) / perSecond - Date.now()))
  }
  return { since, changes }
}

/** The mirrored rows' milliseconds from the commit of a change to the commit in the mirror, as a column `lag`. */
export const lagOfRow = 'extract(epoch from _synced_at - updated_at)::float8 * 1000 as lag'

/** p50 and p99 of these milliseconds, over a number of them. */
export function judgeLags(
  what: string,
  lags: readonly number[],
  over: { readonly name: string; readonly ms: number; readonly p50: number; readonly p99: number },
): readonly Judged[] {
  const [p50, p99] = [percentile(lags, 0.5), percentile(lags, 0.99)]
  const shared = { rounds: [{ p50, p99, rows: lags.length }], detail: `${Math.round(p50)} and ${Math.round(p99)} ms` }
  return [
    { what: `${what}, p50 over ${over.name}`, value: p50 / over.ms, limit: { atMost: over.p50 }, ...shared },
    { what: `${what}, p99 over ${over.name}`, value: p99 / over.ms, limit: { atMost: over.p99 }, ...shared },
  ]
}
