import type { World } from './world.ts'

/** Runs of the busy account that may begin while another account's request waits: the slots of all workers, twice over. */
const mostBefore = 48
const burst = 150

/** Behind a burst of one account another one's request begins when a slot is free: judged by the order of the commits. */
export async function testFairness(
  { onStore }: World,
  deps: { violate(promise: string, found: string): void; wait(isDone: () => Promise<boolean>): Promise<boolean> },
): Promise<void> {
  const begun = await onStore<{ seq: string }>('select coalesce(max(seq), 0) as seq from chaos.commits')
  await onStore(
    `select worker.request('ledger', 'busy', jsonb_build_object('entry', 'fair-' || n, 'pauseMs', 5)) from generate_series(1, $1::int) n`,
    [burst],
  )
  const [other] = await onStore<{ id: string }>(
    `select worker.request('ledger', 'north', '{"entry": "fair", "pauseMs": 5}') as id`,
  )
  const seqOfOther = `select min(seq) as seq from chaos.commits where request_id = worker.successor($1)`
  const isDone = await deps.wait(
    async () => (await onStore(`${seqOfOther} having count(*) > 0`, [other?.id])).length > 0,
  )
  if (!isDone) return deps.violate('fairness', `behind ${burst} requests of another account one didn't begin in time`)
  const [row] = await onStore<{ before: number }>(
    `select count(*)::int as before from chaos.commits c
     where c.account = 'busy' and c.job = 'ledger' and c.seq > $2::bigint and c.seq < (${seqOfOther})`,
    [other?.id, begun[0]?.seq],
  )
  const before = row?.before ?? 0
  if (before > mostBefore) {
    deps.violate(
      'fairness',
      `${before} runs of another account's burst of ${burst} came before a request that was made after it`,
    )
  }
}
