import type { Spine } from './services.ts'
import type { Measured } from './start-process.ts'

/**
 * From when the first of so many runs begins until the last one has ended, with requests accepted beforehand.
 *
 * @param warmUp runs before these: each account's first token, and each connection
 */
export async function measureRuns(
  spine: Spine,
  { accounts, warmUp, runs }: { readonly accounts: number; readonly warmUp: number; readonly runs: number },
): Promise<Measured> {
  await spine.accept(warmUp, accounts)
  await spine.settle()
  const [warm] = await spine.query<{ seq: string }>('select max(seq) as seq from worker.runs')
  await spine.accept(runs, accounts)
  await spine.settle()
  const [measured] = await spine.query<{ seconds: number; rows: number }>(
    `select count(*)::int as rows, extract(epoch from max(finished_at) - min(started_at))::float8 as seconds
     from worker.runs where seq > $1`,
    [warm?.seq],
  )
  if (measured?.rows !== runs) throw new Error(`${runs} requests should have run and ${measured?.rows} did`)
  return { ...measured, peakMegabytes: 0 }
}
