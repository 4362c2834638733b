import { z } from 'zod'
import { listLiveStates } from '../live/live-lease.ts'
import { defineOperation } from './operation.ts'
import { pageAfter, pageInput } from './pages.ts'

export const accountReportSchema = z.object({
  name: z.string(),
  endpoint: z.string().nullable(),
  firstLogin: z.enum(['pending', 'calling', 'called', 'visible']),
  note: z.string().nullable(),
  bootstrappedAt: z.string().nullable(),
  /** How it goes with the subscriptions of its live jobs; `failing` ones run on schedule. */
  live: z.array(
    z.object({
      job: z.string(),
      state: z.enum(['connecting', 'live', 'failing']),
      since: z.string(),
      problem: z.object({ code: z.string(), found: z.string(), remedy: z.string().nullable() }).nullable(),
    }),
  ),
})

const cursor = ['name']

/** The configured accounts, with what is stored about them. */
export const listAccounts = defineOperation({
  route: 'GET /accounts',
  roles: ['view'],
  input: z.object(pageInput),
  output: z.array(accountReportSchema),
  cursor,
  async run({ deps: { store, accounts } }, page) {
    const rows = await store.selectFrom('worker.accounts').selectAll().execute()
    const live = await listLiveStates(store)
    const all = [...accounts.values()].map(({ account }) => {
      const row = rows.find(candidate => candidate.name === account.name)
      return {
        name: account.name,
        endpoint: account.hasura?.url ?? null,
        firstLogin: row?.first_login ?? 'pending',
        note: row?.first_login_note ?? null,
        bootstrappedAt: row?.bootstrapped_at?.toISOString() ?? null,
        live: [...(live.get(account.name) ?? [])],
      }
    })
    return pageAfter(all, cursor, page)
  },
})
