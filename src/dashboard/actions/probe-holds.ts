import { sql } from 'kysely'
import { probeNow } from '../../holds/holds.ts'
import { isWanted } from '../../store/is-wanted.ts'
import { own } from '../read/reading.ts'
import type { Wanted } from '../wanted.ts'
import { type Action, type ActionContext, type LineOf, previewLines } from './action.ts'

/** Probes the holds that a filter finds. */
export const probeHolds: Action = {
  title: 'Look again now',
  does: 'The next request checks immediately whether the cause is fixed. A pause that an API asked for is kept.',
  async preview(context, wanted) {
    const holds = await findHolds(context, wanted)
    return previewLines(holds, 'holds')
  },
  async carry(context, wanted) {
    const holds = await findHolds(context, wanted)
    const accountsOf = Map.groupBy(holds, hold => hold.job)
    for (const [job, held] of accountsOf) {
      await probeNow(
        context.reading.deps.store,
        held.map(({ account }) => account),
        job || undefined,
      )
    }
    return holds.length
  },
}

async function findHolds({ reading }: ActionContext, { account, job, code }: Wanted): Promise<readonly LineOf[]> {
  const { rows } = await sql<LineOf>`
    select account, job from worker.holds
    where ${own(reading)} and (asked_until is null or asked_until <= now())
      and ${isWanted('account', account)} and ${isWanted('code', code)}
      and ${job === undefined ? sql`true` : sql`job in ('', ${job})`} order by account, job`.execute(reading.deps.store)
  return rows
}
