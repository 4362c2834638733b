import { sql } from 'kysely'
import type { FirstLoginState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export async function findFirstLogin(store: Store, account: string): Promise<FirstLoginState> {
  const row = await store
    .selectFrom('worker.accounts')
    .select('first_login')
    .where('name', '=', account)
    .executeTakeFirstOrThrow()
  return row.first_login
}

/** @returns the previous state, or undefined while another living process makes the first login */
export async function claimFirstLogin(
  store: Store,
  account: string,
  processId: string,
): Promise<FirstLoginState | undefined> {
  const { rows } = await sql<{ before: FirstLoginState }>`
    with found as (select name, first_login from worker.accounts where name = ${account} for update)
    update worker.accounts a
    set first_login = case when a.first_login = 'called' then 'called' else 'calling' end,
        first_login_process = ${processId}
    from found
    where a.name = found.name and a.first_login <> 'visible'
      and (a.first_login_process is null or a.first_login_process = ${processId} or not exists (
        select from worker.living_processes() p where p.id = a.first_login_process))
    returning found.first_login as before`.execute(store)
  return rows[0]?.before
}

/**
 * Records the state and, unless it is kept, releases the claim. A process that was declared dead meanwhile writes nothing, except that
 * the user is visible, which can't be wrong.
 */
export async function settleFirstLogin(
  { store, process }: { readonly store: Store; readonly process: { readonly id: string } },
  account: string,
  state: FirstLoginState,
  note: string | null,
  { keep } = { keep: false },
): Promise<void> {
  let update = store
    .updateTable('worker.accounts')
    .set({ first_login: state, first_login_note: note, ...(!keep && { first_login_process: null }) })
    .where('name', '=', account)
  if (state !== 'visible') update = update.where('first_login_process', '=', process.id)
  await update.execute()
}
