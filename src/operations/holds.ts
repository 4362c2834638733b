import { sql } from 'kysely'
import { z } from 'zod'
import { renderExplanation } from '../explanation.ts'
import { listHolds as listAll, probeNow } from '../holds/holds.ts'
import { findMissingRows, type MissingRows } from '../mirror/missing-rows.ts'
import { chooseNamed } from '../names/find-named.ts'
import { isOwn } from './bound-caller.ts'
import { defineOperation, type OperationDeps } from './operation.ts'
import { pageAfter, pageInput } from './pages.ts'
import { requireNames } from './resolve.ts'
import { nameValue } from './values.ts'

const holdReportSchema = z.object({
  account: z.string(),
  /** null holds every job of the account. */
  job: z.string().nullable(),
  code: z.string(),
  /** `found` and `remedy` as one message. */
  reason: z.string(),
  found: z.string(),
  remedy: z.string().nullable(),
  since: z.string(),
  nextProbeAt: z.string(),
  /**
   * What a deletion guard keeps: how many of the mirrored rows the last comparison of all keys didn't find in the API. null for
   * other holds, and for a guard until the next comparison.
   */
  missing: z.object({ rows: z.number(), of: z.number(), comparedAt: z.string() }).nullable(),
})
export type HoldReport = z.infer<typeof holdReportSchema>

const cursor = ['account', 'job']

export const listHolds = defineOperation({
  route: 'GET /holds',
  roles: ['view'],
  input: z.object(pageInput),
  output: z.array(holdReportSchema),
  cursor,
  run: async (app, page) => pageAfter(await findHolds(app), cursor, page),
})

/**
 * Probes the holds of an account, or of one of its jobs, now: the next request runs first and checks. A pause that the API asked
 * for is kept. Resolves to the resulting holds.
 */
export const probeHolds = defineOperation({
  route: 'POST /holds/probe',
  roles: ['operate'],
  input: z.strictObject({
    account: nameValue.optional(),
    /** Only what holds this job. */
    job: nameValue.optional(),
  }),
  output: z.array(holdReportSchema),
  async run(app, wanted) {
    const { deps } = app
    const account = chooseNamed('account', deps.accounts, wanted.account).account.name
    requireNames(deps, { job: wanted.job })
    await probeNow(deps.store, [account], wanted.job)
    const holds = await findHolds(app)
    return holds.filter(hold => hold.account === account && (!wanted.job || !hold.job || hold.job === wanted.job))
  },
})

async function findHolds(app: OperationDeps): Promise<HoldReport[]> {
  const { store } = app.deps
  const [holds, missing] = await Promise.all([
    listAll(store, isOwn(sql.ref('account'), app)),
    findMissingRows(store, isOwn(sql.ref('worker.holds.account'), app)),
  ])
  return holds.map(hold => ({
    account: hold.account,
    job: hold.job ?? null,
    code: hold.code,
    reason: renderExplanation(hold),
    found: hold.found,
    remedy: hold.remedy ?? null,
    since: hold.since.toISOString(),
    nextProbeAt: hold.nextProbeAt.toISOString(),
    missing: reportMissing(missing.find(({ account, job }) => account === hold.account && job === hold.job)),
  }))
}

function reportMissing(found: MissingRows | undefined): HoldReport['missing'] {
  return found ? { rows: found.missingThere, of: found.here, comparedAt: found.comparedAt.toISOString() } : null
}
