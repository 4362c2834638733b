import type { Account } from '../account.ts'
import { findDeprecation } from '../auth/find-deprecation.ts'
import { ConfigError, renderExplanation } from '../errors.ts'
import { probeNow } from '../holds/holds.ts'
import type { Log } from '../log.ts'
import { requestBootstraps } from '../runs/bootstraps.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { AccountChanges } from './account-registry.ts'
import { checkAccountJobs } from './check-account-jobs.ts'

export interface ReloadDeps extends RunDeps {
  /** Reads the file; rejects with ConfigError and every problem. */
  readonly load: () => Promise<readonly Account[]>
  readonly replace: (accounts: readonly Account[]) => AccountChanges
  /** Takes over what this process serves. */
  readonly renew: () => Promise<void>
}

/**
 * Takes the accounts as the file says them now. What is wrong with it is told in one line, and the accounts stay as they were:
 * a slip of the pen stops nobody.
 *
 * @param asked somebody waits for an answer, also that nothing has changed
 * @throws when the store can't be reached; then nothing has changed and it may be called again
 */
export async function reloadAccounts(deps: ReloadDeps, asked: boolean): Promise<void> {
  const { log } = deps
  let changes: AccountChanges
  try {
    const accounts = await deps.load()
    checkAccountJobs(accounts, [...deps.jobs.values()])
    changes = deps.replace(accounts)
    await deps.renew()
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      log.warn({ error }, 'the accounts could not be reloaded; that is tried again')
      throw error
    }
    const problems = error.problems.map(renderExplanation)
    log.error({ problems }, 'ACCOUNTS_FILE can not be used as it is now: the accounts stay as they were')
    return
  }
  const { added, changed, removed } = changes
  if (added.length + changed.length + removed.length === 0) {
    if (asked) log.info('ACCOUNTS_FILE was read again, and says the same')
    return
  }
  log.info({ added, changed, removed }, 'the accounts were reloaded')
  const touched = [...added, ...changed]
  logDeprecations(
    log,
    touched.flatMap(name => deps.accounts.get(name)?.account ?? []),
  )
  await bringUp(deps, touched)
}

/** What works and is to be given up, once for each account. */
export function logDeprecations(log: Log, accounts: Iterable<Account>): void {
  for (const { name, login } of accounts) {
    const deprecation = findDeprecation(login)
    if (deprecation) log.warn({ account: name }, renderExplanation(deprecation))
  }
}

/** What was held may be mended now, so somebody goes and looks at once; and new accounts are filled. */
async function bringUp(deps: ReloadDeps, names: readonly string[]): Promise<void> {
  try {
    if (names.length > 0) await probeNow(deps.store, names)
    await requestBootstraps(deps)
  } catch (error) {
    // Holds end by themselves, and housekeeping asks for bootstraps as well.
    deps.log.warn({ error }, 'the reloaded accounts go on a little later')
  }
}
