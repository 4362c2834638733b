import type { Spine } from './services.ts'
import type { Measured } from './start-process.ts'

/**
 * Seconds from the start of the first run until the end of the last, with requests accepted beforehand.
 *
 * @param warmUp earlier runs, which fetch each account's first token and open connections
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
  if (measured?.rows !== runs) throw new Error(`${measured?.rows} requests ran instead of ${runs}`)
  return { ...measured, peakMegabytes: 0 }
}
