import type { Explanation } from '../explanation.ts'
import { editDistance } from '../names/near-names.ts'
import { type Environment, settingVariables } from './config.ts'
import { accountVariables } from './read-account.ts'
import { variableOfSetting } from './setting-name.ts'

/**
 * Finds variables that nothing reads, but whose names are nearly those of variables that are not set. Without a word, the default
 * would be used instead: an embedded store, say, in place of the one that `DATABASE_ULR` names.
 *
 * @param settings names of the jobs' settings
 */
export function findMisspelled(env: Environment, settings: Iterable<string> = []): readonly Explanation[] {
  const own = [...settings].map(variableOfSetting)
  const ofAccounts = env.ACCOUNTS_FILE ? [] : [...accountVariables, ...own]
  const known = [...settingVariables, ...ofAccounts]
  const read = new Set([...settingVariables, ...accountVariables, ...own, ...own.map(name => `${name}_FILE`)])
  const unread = Object.keys(env).filter(name => env[name] && !read.has(name))
  return known
    .filter(meant => !env[meant])
    .flatMap(meant => unread.filter(name => isNearly(name, meant)).map(name => ({ name, meant })))
    .map(({ name, meant }) => ({
      found: `${name} is set, but the worker itself reads no variable of that name`,
      remedy: `if ${meant} was meant, rename it`,
    }))
}

/** Names of four letters, such as `HOST`, resemble too much of what others set. */
function isNearly(name: string, meant: string): boolean {
  const most = meant.length < 5 ? 0 : meant.length < 9 ? 1 : 2
  return Math.abs(name.length - meant.length) <= most && editDistance(name.toUpperCase(), meant) <= most
}
