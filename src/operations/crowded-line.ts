import { sql } from 'kysely'
import { type LineName, lineKey } from '../runs/line.ts'
import type { Store } from '../store/store.ts'

/** A line is crowded when this many requests wait in it or are about to. */
const few = 20

/** How many requests are about to enter a line, per store of this process. */
const underWay = new WeakMap<Store, Map<string, number>>()

/**
 * Tells a caller whether many requests already wait in its line.
 *
 * @param make is called once; until it settles, its request counts as waiting
 */
export async function enterLine<T>(store: Store, line: LineName, make: (isCrowded: boolean) => Promise<T>): Promise<T> {
  const counts = underWay.get(store) ?? new Map<string, number>()
  underWay.set(store, counts)
  const key = lineKey(line)
  const ahead = counts.get(key) ?? 0
  counts.set(key, ahead + 1)
  try {
    return await make(ahead + (await countWaiting(store, line)) >= few)
  } finally {
    const left = (counts.get(key) ?? 1) - 1
    if (left > 0) counts.set(key, left)
    else counts.delete(key)
  }
}

async function countWaiting(store: Store, { account, job }: LineName): Promise<number> {
  const { rows } = await sql<{ waiting: number }>`
    select count(*)::int as waiting from (
      select from worker.requests where account = ${account} and job = ${job} and state = 'waiting' limit ${few}) first`.execute(
    store,
  )
  return rows[0]?.waiting ?? 0
}
