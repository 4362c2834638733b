import type { Account } from '../account.ts'
import { accountLabel } from '../config/read-accounts-file.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { listNames } from '../names/list-names.ts'
import { findRuleProblem } from '../time/schedule-rule.ts'

/**
 * Checks what an accounts file says about jobs against the list of jobs: the configuration is read before the jobs are known.
 *
 * @throws ConfigError with every problem, each with its path in the file
 */
export function checkAccountJobs(accounts: readonly Account[], jobs: readonly JobDefinition[]): void {
  const problems = accounts.flatMap((account, index) => findAccountJobProblems(account, index, jobs))
  if (problems.length > 0) throw new ConfigError(problems)
}

/** @param index of the account in the file */
export function findAccountJobProblems(
  { jobs: named, schedules = {}, settings = {} }: Account,
  index: number,
  jobs: readonly JobDefinition[],
): readonly Explanation[] {
  const label = accountLabel(index)
  const known = jobs.map(job => job.name)
  const unknown = (path: string, name: string): Explanation => ({
    found: `${path}: there is no job "${name}"`,
    remedy: `the jobs are ${listNames(known)}`,
  })
  const problems = (named ?? []).flatMap((name, place) =>
    known.includes(name) ? [] : [unknown(`${label}.jobs.${place}`, name)],
  )
  const names = new Set(jobs.flatMap(job => Object.keys(job.settings?.shape ?? {})))
  for (const name of Object.keys(settings)) {
    if (names.has(name) || names.has(name.replace(/File$/, ''))) continue
    const all = [...names].join(', ') || 'there are none'
    problems.push({
      found: `${label}.settings.${name}: no job has a setting "${name}" (${all})`,
      remedy: 'correct or remove the name',
    })
  }
  for (const [name, rule] of Object.entries(schedules)) {
    const path = `${label}.schedules.${name}`
    if (!known.includes(name)) problems.push(unknown(path, name))
    else if (named && !named.includes(name)) {
      problems.push({
        found: `${path}: "${name}" is not among the account's jobs`,
        remedy: 'add it there, or remove its schedule',
      })
    }
    const problem = rule && findRuleProblem(rule)
    if (problem) problems.push({ found: `${path}: ${problem}` })
  }
  return problems
}
