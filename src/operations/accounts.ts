import { z } from 'zod'
import { defineOperation } from './operation.ts'
import { pageAfter, pageInput } from './pages.ts'

export const accountReportSchema = z.object({
  name: z.string(),
  endpoint: z.string().nullable(),
  firstLogin: z.enum(['pending', 'calling', 'called', 'visible']),
  note: z.string().nullable(),
  bootstrappedAt: z.string().nullable(),
})

const cursor = ['name']

/** The configured accounts, with what is remembered of them. */
export const listAccounts = defineOperation({
  route: 'GET /accounts',
  roles: ['view'],
  input: z.object(pageInput),
  output: z.array(accountReportSchema),
  cursor,
  async run({ deps: { store, accounts } }, page) {
    const rows = await store.selectFrom('worker.accounts').selectAll().execute()
    const all = [...accounts.values()].map(({ account }) => {
      const row = rows.find(candidate => candidate.name === account.name)
      return {
        name: account.name,
        endpoint: account.hasura?.url ?? null,
        firstLogin: row?.first_login ?? 'pending',
        note: row?.first_login_note ?? null,
        bootstrappedAt: row?.bootstrapped_at?.toISOString() ?? null,
      }
    })
    return pageAfter(all, cursor, page)
  },
})
