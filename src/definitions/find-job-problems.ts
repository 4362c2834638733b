import type { Account } from '../account.ts'
import { RefusalError } from '../errors.ts'
import { jobsOf } from './account-jobs.ts'
import { findContractRefusal } from './contract.ts'
import type { JobDefinition } from './define-job.ts'
import { readJobSettings, type SettingsSource } from './job-settings.ts'

/** What would refuse every run of a job before login: its contract, and its settings for each account that it runs for. */
export async function findJobProblems(
  {
    accounts,
    schemaFolder,
    settings,
  }: {
    readonly accounts: ReadonlyMap<string, { readonly account: Account }>
    readonly schemaFolder: URL
    readonly settings: SettingsSource
  },
  job: JobDefinition,
): Promise<readonly RefusalError[]> {
  const own = [...accounts.values()].map(access => access.account).filter(account => jobsOf(account, [job]).length > 0)
  const refusals = await Promise.all([
    findContractRefusal(job, schemaFolder),
    ...own.map(account => findSettingsRefusal(job, account, settings)),
  ])
  return refusals.filter(refusal => refusal !== undefined)
}

/** @returns why the job's settings for this account can't be used; undefined if they can */
export async function findSettingsRefusal(
  job: JobDefinition,
  account: Account,
  source: SettingsSource,
): Promise<RefusalError | undefined> {
  try {
    await readJobSettings(job, account, source)
    return undefined
  } catch (error) {
    if (error instanceof RefusalError) return error
    throw error
  }
}
