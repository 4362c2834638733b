import { sql } from 'kysely'
import type { Store } from '../store/store.ts'

/** The place of a forgotten account's name in the audit trail. No account is called so. */
const forgotten = '(forgotten)'

/** Who changed what stays on record; of which account, and what an error said of it, doesn't. */
export async function eraseFromAudit(store: Store, account: string): Promise<void> {
  await sql`
    update worker.audit set
      wanted = case when wanted ->> 'account' = ${account} then wanted || jsonb_build_object('account', ${forgotten}::text)
        else wanted end,
      told = case when told is not null then ${forgotten} end
    where wanted ->> 'account' = ${account} or position(${account} in told) > 0`.execute(store)
}
