import type { Account } from '../account.ts'
import { findDeprecation } from '../auth/find-deprecation.ts'
import { ConfigError } from '../errors.ts'
import { renderExplanation } from '../explanation.ts'
import { probeNow } from '../holds/holds.ts'
import type { Log } from '../log.ts'
import { requestBootstraps } from '../runs/bootstraps.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { AccountChanges } from './account-registry.ts'
import { checkAccountJobs } from './check-account-jobs.ts'

export interface ReloadDeps extends RunDeps {
  /** Reads the file; rejects with a ConfigError that lists every problem. */
  readonly load: () => Promise<readonly Account[]>
  readonly replace: (accounts: readonly Account[]) => AccountChanges
  /** Replaces what this process serves. */
  readonly renew: () => Promise<void>
}

/**
 * Applies the current content of the accounts file. If the file is invalid, that is logged and the accounts stay unchanged: a
 * typo doesn't stop the worker.
 *
 * @param asked someone waits for an answer, even if nothing has changed
 * @throws if the store can't be reached; then nothing has changed, and the call may be repeated
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
      log.warn({ error }, 'the accounts could not be reloaded; the worker tries again')
      throw error
    }
    const problems = error.problems.map(renderExplanation)
    log.error({ problems }, 'ACCOUNTS_FILE is invalid: the accounts stay unchanged')
    return
  }
  const { added, changed, removed } = changes
  if (added.length + changed.length + removed.length === 0) {
    if (asked) log.info('ACCOUNTS_FILE was read again and is unchanged')
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

/** Warnings about settings that work but are deprecated, once per account. */
export function logDeprecations(log: Log, accounts: Iterable<Account>): void {
  for (const { name, login } of accounts) {
    const deprecation = findDeprecation(login)
    if (deprecation) log.warn({ account: name }, renderExplanation(deprecation))
  }
}

/** A reload may have fixed what was held, so holds are probed immediately, and new accounts are bootstrapped. */
async function bringUp(deps: ReloadDeps, names: readonly string[]): Promise<void> {
  try {
    if (names.length > 0) await probeNow(deps.store, names)
    await requestBootstraps(deps)
  } catch (error) {
    // Probes also come due on their own, and maintenance requests bootstraps too.
    deps.log.warn({ error }, 'the reloaded accounts resume a little later')
  }
}
