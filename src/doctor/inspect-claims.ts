import type { Account, ClaimsLocation } from '../account.ts'
import { type Claims, parseClaims } from '../auth/claims.ts'
import { type HasuraClaims, readHasuraClaims } from '../auth/hasura-claims.ts'
import { explainLightweight } from '../auth/lightweight-token.ts'
import { RefusalError } from '../errors.ts'
import { listNames } from '../names/list-names.ts'
import { type CheckId, type Finding, fail, failWith, ok, skip, warn, warnWith } from './check.ts'
import { explainMissingRoles } from './explain-missing-roles.ts'

/** The findings that need only the token; pure. */
export interface ClaimsInspection {
  readonly findings: ReadonlyMap<CheckId, Finding>
  readonly claims?: Claims
  readonly hasura?: HasuraClaims
}

/** @param looksForUser whether the first login queries the user by id, so that the claims must hold one */
export function inspectClaims(token: string, account: Account, looksForUser: boolean): ClaimsInspection {
  const findings = new Map<CheckId, Finding>()
  const claims = attempt(findings, () => parseClaims(token))
  if (!claims) return { findings }
  const { hasura: endpoint } = account
  if (!endpoint) {
    for (const id of ['default-role', 'allowed-roles', 'user-id', 'email'] as const) findings.set(id, noHasura)
    findings.set('claims', inspectIssuer(claims, account) ?? ok(`subject ${claims.subject} of ${claims.issuer}`))
    return { findings, claims }
  }
  findings.set('email', inspectEmail(claims))
  const mapper = 'map' in endpoint.claims ? '' : ` (${placeOfDefaultRole(claims)})`
  const hasura = attempt(findings, () => readHasuraClaims(claims, endpoint.claims), mapper)
  if (!hasura) {
    if (!findings.has('claims')) findings.set('claims', ok("Hasura's claims are in the token"))
    const refused = findings.get('allowed-roles')
    if (refused) findings.set('allowed-roles', explainMissingRoles(claims, endpoint.claims) ?? refused)
    return { findings, claims }
  }
  const found = ok(`Hasura's claims are in the token of subject ${claims.subject}`)
  findings.set('claims', inspectIssuer(claims, account) ?? found)
  findings.set('default-role', ok(hasura.defaultRole))
  findings.set('allowed-roles', ok(listNames(hasura.allowedRoles)))
  findings.set('user-id', inspectUserId(hasura, claims, endpoint.claims, looksForUser))
  return { findings, claims, hasura }
}

export const noHasura = skip('the account has no Hasura endpoint')

/** Only here does it show that OIDC_ISSUER and TOKEN_URL belong to different realms. */
function inspectIssuer({ issuer }: Claims, { login: { server } }: Account): Finding | undefined {
  if (server.issuer === undefined || server.issuer === issuer) return undefined
  return warn(
    `the token's issuer is ${issuer}, but OIDC_ISSUER is ${server.issuer}`,
    'set OIDC_ISSUER to the issuer of the realm that TOKEN_URL belongs to (Realm settings → Endpoints)',
  )
}

/** A refusal is filed under the check that it names. */
function attempt<T>(findings: Map<CheckId, Finding>, read: () => T, placeOfDefault = ''): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RefusalError)) throw error
    const { code } = error
    const finding = failWith(error)
    if (code === 'default-role') {
      findings.set(code, { ...finding, hint: `${finding.hint}${placeOfDefault}` })
    } else findings.set(code === 'allowed-roles' ? code : 'claims', finding)
    return undefined
  }
}

const mappers = 'Client scopes → hasura → Mappers'

/** Many realms have Hasura's mappers in the client. */
function placeOfDefaultRole({ authorizedParty: client = '…' }: Claims): string {
  return `${mappers} → x-hasura-default-role, or Clients → ${client} → Client scopes → ${client}-dedicated`
}

function inspectUserId(
  { userId }: HasuraClaims,
  claims: Claims,
  location: ClaimsLocation,
  looksForUser: boolean,
): Finding {
  if (userId) return ok(userId)
  const lightweight = explainLightweight(claims, 'x-hasura-user-id', `${mappers} → x-hasura-user-id`)
  if (lightweight && !('map' in location)) return looksForUser ? failWith(lightweight) : warnWith(lightweight)
  const detail = 'x-hasura-user-id is not in the claims'
  const hint =
    'map' in location
      ? 'add it to HASURA_CLAIMS_MAP as in Hasura\'s claims_map, such as {"path": "$.sub"}'
      : `add its mapper under ${mappers} (User Property "id", claim x-hasura-user-id)`
  return looksForUser ? fail(detail, hint) : warn(`${detail}, which most row permissions use`, hint)
}

function inspectEmail(claims: Claims): Finding {
  const { email, emailVerified, authorizedParty } = claims
  const client = authorizedParty ?? '…'
  // Keycloak's list of users omits service accounts: this link is the only way to the user.
  const user = `Clients → ${client} → Service account roles → service-account-${client} → Details`
  const emailMappers = 'email and email verified under Client scopes → email → Mappers'
  const lightweight = explainLightweight(claims, 'email', emailMappers)
  if (lightweight && (email === undefined || emailVerified === undefined)) {
    return warnWith(lightweight)
  }
  if (email === undefined) {
    return warn(
      'the token has no email',
      `set an email under ${user}; if it has one, the client lacks the default scope "email" (Clients → ${client} → Client scopes)`,
    )
  }
  if (emailVerified !== true) return warn('the email is not verified', `turn on Email verified under ${user}`)
  return ok('set and verified')
}
