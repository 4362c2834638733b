import type { Explanation } from '../explanation.ts'
import { tellable } from '../words/printable.ts'

/** In the order in which they are made: a later check uses what an earlier one found. */
export const checkIds = [
  'config',
  'token-endpoint',
  'client-auth',
  'token-lifetime',
  'scope',
  'claims',
  'default-role',
  'allowed-roles',
  'user-id',
  'email',
  'job-roles',
  'hasura',
  'first-login',
  'contract',
  'live',
  'api',
  'queue',
  'store',
] as const
export type CheckId = (typeof checkIds)[number]

export interface Check {
  readonly id: CheckId
  readonly status: 'ok' | 'warn' | 'fail' | 'skip'
  /** What was found. */
  readonly detail: string
  /** What to do about it, and where; empty when there is nothing to do. */
  readonly hint: string
}

/** The checks of one account. */
export interface Diagnosis {
  readonly account: string
  readonly ok: boolean
  readonly checks: readonly Check[]
}

export type Finding = Omit<Check, 'id'>

export function ok(detail: string): Finding {
  return { status: 'ok', detail: tellable(detail), hint: '' }
}

export function warn(detail: string, hint: string): Finding {
  return { status: 'warn', detail: tellable(detail), hint: tellable(hint) }
}

export function fail(detail: string, hint: string): Finding {
  return { status: 'fail', detail: tellable(detail), hint: tellable(hint) }
}

/** @param otherwise what to do when the explanation has no remedy */
export function failWith({ found, remedy = '' }: Explanation, otherwise = ''): Finding {
  return fail(found, remedy || otherwise)
}

export function warnWith({ found, remedy = '' }: Explanation): Finding {
  return warn(found, remedy)
}

export function skip(detail: string): Finding {
  return { status: 'skip', detail, hint: '' }
}

/** Combines findings of one check: the worst status and its details, with everything to do about them. */
export function combine(findings: readonly Finding[], otherwise: Finding): Finding {
  const status = (['fail', 'warn'] as const).find(worst => findings.some(finding => finding.status === worst))
  if (!status) return otherwise
  const told = findings.filter(finding => finding.status === 'fail' || finding.status === 'warn')
  return {
    status,
    detail: [...new Set(told.map(({ detail }) => detail))].join('; '),
    hint: [...new Set(told.map(({ hint }) => hint))].filter(hint => hint !== '').join('; '),
  }
}

/** Puts the checks in order; those that couldn't be made are skipped because of the first failure. */
export function arrange(account: string, findings: ReadonlyMap<CheckId, Finding>): Diagnosis {
  const failed = checkIds.find(id => findings.get(id)?.status === 'fail')
  const because = failed ? `not checked, because ${failed} failed` : 'not checked'
  const checks = checkIds.map(id => ({ id, ...(findings.get(id) ?? skip(because)) }))
  return { account, ok: checks.every(check => check.status !== 'fail'), checks }
}

const refusals: ReadonlySet<CheckId> = new Set([
  'client-auth',
  'scope',
  'claims',
  'default-role',
  'allowed-roles',
  'user-id',
  'job-roles',
])

/** 0 when no check fails; 2 for the configuration; 3 for what the gate would refuse; 1 otherwise. */
export function exitCodeFor(diagnoses: readonly Diagnosis[]): 0 | 1 | 2 | 3 {
  const failed = diagnoses.flatMap(({ checks }) =>
    checks.filter(check => check.status === 'fail').map(check => check.id),
  )
  if (failed.length === 0) return 0
  if (failed.includes('config')) return 2
  return failed.some(id => refusals.has(id)) ? 3 : 1
}
