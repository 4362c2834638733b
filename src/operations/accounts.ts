import { z } from 'zod'
import { renderExplanation } from '../errors.ts'
import { defineOperation } from './operation.ts'

export const accountReportSchema = z.object({
  name: z.string(),
  endpoint: z.string().nullable(),
  firstLogin: z.enum(['pending', 'calling', 'called', 'visible']),
  note: z.string().nullable(),
  bootstrappedAt: z.string().nullable(),
})

/** The configured accounts, with what is remembered of them. */
export const listAccounts = defineOperation({
  route: 'GET /accounts',
  isPublic: false,
  input: z.object({}),
  output: z.array(accountReportSchema),
  async run({ deps: { store, accounts } }) {
    const rows = await store.selectFrom('worker.accounts').selectAll().execute()
    return [...accounts.values()].map(({ account }) => {
      const row = rows.find(candidate => candidate.name === account.name)
      return {
        name: account.name,
        endpoint: account.hasura?.url ?? null,
        firstLogin: row?.first_login ?? 'pending',
        note: row?.first_login_note ?? null,
        bootstrappedAt: row?.bootstrapped_at?.toISOString() ?? null,
      }
    })
  },
})

const holdReportSchema = z.object({
  account: z.string(),
  /** null holds every job of the account. */
  job: z.string().nullable(),
  code: z.string(),
  /** The sentence of `found` and `remedy`. */
  reason: z.string(),
  found: z.string(),
  remedy: z.string().nullable(),
  since: z.string(),
  nextProbeAt: z.string(),
})

export const listHolds = defineOperation({
  route: 'GET /holds',
  isPublic: false,
  input: z.object({}),
  output: z.array(holdReportSchema),
  async run({ deps: { store } }) {
    const rows = await store.selectFrom('worker.holds').selectAll().orderBy('account').orderBy('job').execute()
    return rows.map(row => ({
      account: row.account,
      job: row.job || null,
      code: row.code,
      reason: renderExplanation({ found: row.found, remedy: row.remedy ?? undefined }),
      found: row.found,
      remedy: row.remedy,
      since: row.since.toISOString(),
      nextProbeAt: row.probe_at.toISOString(),
    }))
  },
})
