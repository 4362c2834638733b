import { sql } from 'kysely'
import type { Store } from '../store/store.ts'

/** The place of a forgotten account's name in the audit trail. No account is called so. */
const forgotten = '(forgotten)'

/** What is in no account's name, so that `north` isn't found in `northwest`. */
const betweenNames = '[^A-Za-z0-9_-]+'

/** Who changed what stays on record; of which account, and what an error said of it, doesn't. */
export async function eraseFromAudit(store: Store, account: string): Promise<void> {
  await sql`
    update worker.audit set
      wanted = case when wanted ->> 'account' = ${account} then wanted || jsonb_build_object('account', ${forgotten}::text)
        else wanted end,
      told = case when told is not null then ${forgotten} end
    where wanted ->> 'account' = ${account} or ${account} = any (regexp_split_to_array(told, ${betweenNames}))`.execute(
    store,
  )
}
