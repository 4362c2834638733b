import { isDeepStrictEqual } from 'node:util'
import type { Account } from '../account.ts'
import { accountLabel } from '../config/read-accounts-file.ts'
import { ConfigError } from '../errors.ts'
import { type Explanation, inPlace } from '../explanation.ts'
import { type AccountAccess, createAccountAccess } from '../gate/account-access.ts'
import type { Observer } from '../observer/observer.ts'
import type { Clock } from '../time/clock.ts'

/** By name. */
export interface AccountChanges {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

/** The accounts of this process. A reload replaces them all at once; everyone else only reads them. */
export interface AccountRegistry {
  readonly accounts: ReadonlyMap<string, AccountAccess>
  /**
   * An unchanged account keeps its access, and with it its token and rate limits. An active run ends with the access that it
   * started with.
   *
   * @throws ConfigError if an account can't be used; then nothing has changed
   */
  replace(accounts: readonly Account[]): AccountChanges
}

/** @param deps.isFile whether problems name the place in `ACCOUNTS_FILE` */
export function createAccountRegistry(deps: {
  readonly clock: Clock
  readonly readSecretFile: (path: string) => Promise<string>
  readonly observer?: Observer
  readonly isFile: boolean
}): AccountRegistry {
  const known = new Map<string, AccountAccess>()
  return {
    accounts: known,
    replace(accounts) {
      const next = openAccesses(accounts, known, deps)
      const names = [...next.keys()]
      const changes = {
        added: names.filter(name => !known.has(name)),
        changed: names.filter(name => known.has(name) && known.get(name) !== next.get(name)),
        removed: [...known.keys()].filter(name => !next.has(name)),
      }
      // In one step, so that no reader sees a part.
      known.clear()
      for (const [name, access] of next) known.set(name, access)
      return changes
    },
  }
}

function openAccesses(
  accounts: readonly Account[],
  known: ReadonlyMap<string, AccountAccess>,
  deps: Parameters<typeof createAccountRegistry>[0],
): ReadonlyMap<string, AccountAccess> {
  const problems: Explanation[] = []
  const next = new Map<string, AccountAccess>()
  for (const [index, account] of accounts.entries()) {
    const access = known.get(account.name)
    try {
      const same = access !== undefined && isDeepStrictEqual(access.account, account)
      next.set(account.name, same ? access : createAccountAccess(account, deps))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      const { problems: own } = error
      problems.push(...(deps.isFile ? own.map(problem => inPlace(accountLabel(index), problem)) : own))
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return next
}
