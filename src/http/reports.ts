import type { Selectable } from 'kysely'
import type { Account } from '../account.ts'
import { renderExplanation } from '../errors.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { AccountReport, HoldReport, RunReport } from './operations.ts'

export async function listRuns(
  store: Store,
  filter: { readonly job?: string | undefined; readonly limit: number },
): Promise<RunReport[]> {
  let query = store.selectFrom('worker.runs').selectAll().orderBy('seq', 'desc').limit(filter.limit)
  if (filter.job !== undefined) query = query.where('job', '=', filter.job)
  return (await query.execute()).map(describeRun)
}

export async function listRunsOfRequest(store: Store, requestId: string): Promise<RunReport[]> {
  const rows = await store
    .selectFrom('worker.runs')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('seq', 'desc')
    .limit(20)
    .execute()
  return rows.map(describeRun)
}

export async function listHolds(store: Store): Promise<HoldReport[]> {
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
}

/** The configured accounts, with what is remembered of them. */
export async function listAccounts(store: Store, accounts: readonly Account[]): Promise<AccountReport[]> {
  const rows = await store.selectFrom('worker.accounts').selectAll().execute()
  return accounts.map(account => {
    const row = rows.find(candidate => candidate.name === account.name)
    return {
      name: account.name,
      endpoint: account.hasura?.url ?? null,
      firstLogin: row?.first_login ?? 'pending',
      note: row?.first_login_note ?? null,
      bootstrappedAt: row?.bootstrapped_at?.toISOString() ?? null,
    }
  })
}

function describeRun(row: Selectable<WorkerTables['worker.runs']>): RunReport {
  return {
    id: row.id,
    requestId: row.request_id,
    job: row.job,
    account: row.account,
    trigger: row.trigger,
    ...(row.caller !== null && { caller: row.caller }),
    attempt: row.attempt,
    state: row.state,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    from: row.from_position,
    to: row.to_position,
    counts: row.counts && { ...row.counts },
    error:
      row.error_code === null
        ? null
        : {
            code: row.error_code,
            message: renderExplanation({ found: row.error_found ?? '', remedy: row.error_remedy ?? undefined }),
          },
  }
}
