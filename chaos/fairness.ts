import type { PatientClient } from './http-client.ts'
import { rollingJob } from './jobs/names.ts'
import type { ChaosStore } from './store.ts'

/** How many runs of the busy account may start while another account's request waits: twice the slots of all workers. */
const mostBefore = 48
const burst = 120

/** A request that another account made after a burst. */
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

/** After a burst of one account, another account's request starts when a slot is free. The order of commits tells. */
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
    `${before} runs of another account's burst of ${burst} requests came before a request made after it`,
  )
}
