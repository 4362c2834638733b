import type { PatientClient } from './http-client.ts'
import { rollingJob } from './jobs/names.ts'
import type { ChaosStore } from './store.ts'

/** Runs of the busy account that may begin while another account's request waits: the slots of all workers, twice over. */
const mostBefore = 48
const burst = 120

/** A request of another account that was made behind a burst, and when. */
export interface FairnessTest {
  readonly id: string
  readonly madeAt: number
}

export async function makeBurst({ request }: Pick<PatientClient, 'request'>): Promise<FairnessTest> {
  const jobs = ['ledger', 'other', rollingJob] as const
  await Promise.all(
    Array.from({ length: burst }, (_, n) =>
      request('busy', jobs[n % jobs.length] ?? 'ledger', { entry: `fair-${n}`, pauseMs: 20, restMs: 0 }),
    ),
  )
  const madeAt = Date.now()
  const id = await request('north', 'ledger', { entry: `fair-${crypto.randomUUID()}`, pauseMs: 0, restMs: 0 })
  return { id, madeAt }
}

/** Behind a burst of one account another one's request begins when a slot is free: judged by the order of the commits. */
export async function judgeFairness(
  query: ChaosStore['query'],
  { id, madeAt }: FairnessTest,
  violate: (promise: string, found: string) => void,
): Promise<void> {
  const [row] = await query<{ before: number }>(
    `select count(*)::int as before from chaos.commits c
     where c.account = 'busy' and c.at > to_timestamp($2::float8 / 1000)
       and c.seq < (select min(seq) from chaos.commits where request_id = worker.successor($1))`,
    [id, madeAt],
  )
  const before = row?.before ?? 0
  if (before <= mostBefore) return
  violate(
    'fairness',
    `${before} runs of another account's burst of ${burst} came before a request that was made after it`,
  )
}
