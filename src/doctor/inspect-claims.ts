import type { Account, Requirement } from '../account.ts'
import { type Claims, type HasuraClaims, parseClaims, readHasuraClaims } from '../auth/claims.ts'
import { RefusalError } from '../errors.ts'
import { findRefusal } from '../gate/requirement.ts'
import { type CheckId, type Finding, fail, failWith, ok, skip, warn } from './check.ts'

/** What the token alone tells; pure. */
export interface ClaimsInspection {
  readonly findings: ReadonlyMap<CheckId, Finding>
  readonly claims?: Claims
  readonly hasura?: HasuraClaims
}

/** Looks for everything that the account's jobs will look for, and for what they have no use of. */
export function inspectClaims(
  token: string,
  account: Account,
  requirements: readonly (Requirement | undefined)[],
): ClaimsInspection {
  const findings = new Map<CheckId, Finding>()
  const claims = attempt(findings, 'claims', () => parseClaims(token))
  if (!claims) return { findings }
  findings.set('email', inspectEmail(claims))
  const { hasura: endpoint } = account
  if (!endpoint) {
    for (const id of ['default-role', 'allowed-roles', 'user-id'] as const) findings.set(id, noHasura)
    findings.set('claims', ok(`subject ${claims.subject} of ${claims.issuer}`))
    findings.set('job-roles', inspectRequirements(requirements, { claims, hasura: undefined }))
    return { findings, claims }
  }
  const hasura = attempt(findings, 'claims', () => readHasuraClaims(claims, endpoint.claims))
  if (!hasura) {
    if (!findings.has('claims')) findings.set('claims', ok("Hasura's claims are in the token"))
    return { findings, claims }
  }
  findings.set('claims', ok(`Hasura's claims are in the token of subject ${claims.subject}`))
  findings.set('default-role', ok(hasura.defaultRole))
  findings.set('allowed-roles', ok(hasura.allowedRoles.join(', ')))
  findings.set('user-id', inspectUserId(hasura))
  findings.set('job-roles', inspectRequirements(requirements, { claims, hasura }))
  return { findings, claims, hasura }
}

const noHasura = skip('the account has no Hasura endpoint')

/** A refusal is filed under the check that it names. */
function attempt<T>(findings: Map<CheckId, Finding>, id: CheckId, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error
    findings.set(isClaimsCheck(error.code) ? error.code : id, failWith(error.message))
    return undefined
  }
}

function isClaimsCheck(code: string): code is 'claims' | 'default-role' | 'allowed-roles' | 'user-id' {
  return ['claims', 'default-role', 'allowed-roles', 'user-id'].includes(code)
}

function inspectUserId({ userId }: HasuraClaims): Finding {
  if (userId) return ok(userId)
  return fail(
    'x-hasura-user-id is not in the claims',
    'add its mapper under Client scopes → hasura → Mappers (User Property "id", claim x-hasura-user-id)',
  )
}

function inspectEmail({ email, emailVerified, authorizedParty }: Claims): Finding {
  const user = `Users → service-account-${authorizedParty ?? '…'} → Details`
  if (email === undefined) {
    return warn(
      'the token shows no email',
      `set an email under ${user}; if it has one, the client lacks the default scope "email" (Clients → ${authorizedParty ?? '…'} → Client scopes)`,
    )
  }
  if (emailVerified !== true) return warn('the email is not verified', `switch Email verified on under ${user}`)
  return ok('set and verified')
}

function inspectRequirements(
  requirements: readonly (Requirement | undefined)[],
  granted: { readonly claims: Claims; readonly hasura: HasuraClaims | undefined },
): Finding {
  const refusals = new Set(requirements.flatMap(requirement => findRefusal(requirement, granted)?.message ?? []))
  if (refusals.size > 0) {
    const each = [...refusals].map(message => failWith(message))
    return fail(each.map(({ detail }) => detail).join('; '), [...new Set(each.map(({ hint }) => hint))].join('; '))
  }
  const needed = new Set(
    requirements.flatMap(requirement => (requirement && 'role' in requirement ? requirement.role : [])),
  )
  const spare = (granted.hasura?.allowedRoles ?? []).filter(role => !needed.has(role))
  if (spare.length > 0) {
    return warn(
      `every job has its role; no job needs ${spare.join(', ')}`,
      `take what isn't needed away under Clients → ${granted.claims.authorizedParty ?? '…'} → Service accounts roles`,
    )
  }
  return ok(needed.size > 0 ? `every job has its role (${[...needed].join(', ')})` : 'no job needs a role')
}
