import type { Account, Requirement } from '../account.ts'
import type { Check, CheckId, Diagnosis } from '../doctor/check.ts'
import { RefusalError, WorkerError } from '../errors.ts'
import { causedBy, renderExplanation } from '../explanation.ts'
import type { Obstacle, Plan, Step } from './step.ts'

/** Reads as an administrator what provision would fix; changes nothing. */
export type PlanAccount = (
  account: Account,
  requirements: readonly (Requirement | undefined)[],
) => Promise<Plan | undefined>

/**
 * Finds causes that only Keycloak's configuration shows, and adds them to every failed check or warning. If
 * the administrator can't see anything, the diagnosis only gets a hint that says why.
 */
export async function explainWithAdmin(
  diagnosis: Diagnosis,
  account: Account,
  requirements: readonly (Requirement | undefined)[],
  planAccount: PlanAccount,
): Promise<Diagnosis> {
  if (!diagnosis.checks.some(isExplainable)) return diagnosis
  let plan: Plan | undefined
  try {
    plan = await planAccount(account, requirements)
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    // About the account's own files, which its login has already reported.
    if (error instanceof RefusalError) return diagnosis
    return explain(diagnosis, check =>
      addHint(check, renderExplanation(causedBy('the administrator could not see more', error))),
    )
  }
  return plan ? explainByPlan(diagnosis, plan) : diagnosis
}

/** Pure. */
export function explainByPlan(diagnosis: Diagnosis, { steps, obstacles }: Plan): Diagnosis {
  const certain = [...steps, ...obstacles.filter(({ isSuspected }) => !isSuspected)]
  return explain(diagnosis, check => {
    const found = findCauses(check.id, check.status === 'fail' ? [...steps, ...obstacles] : certain)
    if (found.length === 0) return check
    const places = found.map(cause => ('place' in cause ? cause.place : cause.advice))
    const mends = found.some(cause => 'place' in cause)
      ? ['run "npm run -s cli -- provision", or fix it in Keycloak\'s console']
      : []
    return {
      ...check,
      detail: `${check.detail}; in Keycloak ${found.map(cause => cause.found).join(', and ')}`,
      hint: [...mends, ...new Set(places)].join('; '),
    }
  })
}

function explain(diagnosis: Diagnosis, change: (check: Check) => Check): Diagnosis {
  return { ...diagnosis, checks: diagnosis.checks.map(check => (isExplainable(check) ? change(check) : check)) }
}

function addHint(check: Check, hint: string): Check {
  return { ...check, hint: check.hint === '' ? hint : `${check.hint}; ${hint}` }
}

/**
 * Which causes belong to each check, most likely first. What may cause a missing claim isn't reported while its scope is missing.
 */
const showsIn: Readonly<Partial<Record<CheckId, readonly (readonly CheckId[])[]>>> = {
  'client-auth': [['client-auth']],
  scope: [['scope']],
  claims: [['claims'], ['allowed-roles', 'default-role', 'user-id']],
  'allowed-roles': [['claims'], ['allowed-roles', 'job-roles']],
  'default-role': [['claims'], ['default-role', 'allowed-roles', 'job-roles']],
  'user-id': [['claims'], ['user-id']],
  email: [['email']],
  'job-roles': [['job-roles', 'allowed-roles']],
}

function isExplainable({ id, status }: Check): boolean {
  return (status === 'fail' || status === 'warn') && id in showsIn
}

function findCauses(id: CheckId, causes: readonly (Step | Obstacle)[]): readonly (Step | Obstacle)[] {
  for (const checks of showsIn[id] ?? []) {
    const found = causes.filter(({ check }) => checks.includes(check))
    if (found.length > 0) return found
  }
  return []
}
