import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { z } from 'zod'
import type { ClaimsLocation } from '../account.ts'
import { type Explanation, RefusalError } from '../errors.ts'
import { listNames } from '../names/list-names.ts'
import { findHasuraClaims } from './find-hasura-claims.ts'
import { explainLightweight } from './lightweight-token.ts'
import { findMappedPath } from './map-claims.ts'

/** The decoded claims of an access token, not verified: that is up to the API. Instants in milliseconds since 1970. */
export interface Claims {
  readonly issuer: string
  readonly subject: string
  readonly expiresAt?: number
  readonly issuedAt?: number
  /** The client that the token was issued to: `azp`, or else `client_id` (RFC 9068). */
  readonly authorizedParty?: string
  readonly email?: string
  readonly emailVerified?: boolean
  readonly scopes: readonly string[]
  /** Keycloak's `realm_access.roles`. */
  readonly realmRoles: readonly string[]
  /** Keycloak's `resource_access`: roles by client. */
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
  /** The whole payload, unchanged. */
  readonly payload: Readonly<Record<string, unknown>>
}

/**
 * Reads a JWT access token (RFC 7519; Keycloak's and RFC 9068's claims).
 *
 * @throws RefusalError (`claims`) when it isn't a JWT, or lacks `iss` or `sub`; its message doesn't hold the token
 */
export function parseClaims(token: string): Claims {
  const payload = decode(token)
  const issuer = requireText(payload, 'iss')
  const subject = requireText(payload, 'sub')
  const { exp, iat, azp, client_id, email, email_verified, scope, realm_access, resource_access } =
    optional.parse(payload)
  const authorizedParty = azp ?? client_id
  return {
    issuer,
    subject,
    ...(exp !== undefined && { expiresAt: exp * 1_000 }),
    ...(iat !== undefined && { issuedAt: iat * 1_000 }),
    ...(authorizedParty !== undefined && { authorizedParty }),
    ...(email !== undefined && { email }),
    ...(email_verified !== undefined && { emailVerified: email_verified }),
    scopes: scope?.split(' ').filter(name => name !== '') ?? [],
    realmRoles: realm_access?.roles ?? [],
    clientRoles: readClientRoles(resource_access),
    payload,
  }
}

function decode(token: string): JWTPayload {
  try {
    const payload = decodeJwt(token)
    if (isSigned(token)) return payload
  } catch {
    // jose's error isn't kept as a cause: it may quote the token.
    throw refusal({
      found: 'The access token is not a JWT, so its claims can not be read',
      remedy: 'configure the identity provider to issue JWT access tokens for this client',
    })
  }
  throw refusal({
    found: 'The access token is not signed (`alg: none`), so no API may trust it',
    remedy: 'set Access token signature algorithm to RS256 under Clients → Advanced, or for the realm',
  })
}

function isSigned(token: string): boolean {
  return decodeProtectedHeader(token).alg?.toLowerCase() !== 'none' && token.split('.')[2] !== ''
}

function requireText(payload: JWTPayload, name: 'iss' | 'sub'): string {
  const value = payload[name]
  if (typeof value === 'string' && value !== '') return value
  const remedy =
    name === 'sub'
      ? 'give the client the default scope `basic`, whose mapper writes it; a lightweight access token has it only where that mapper has Add to lightweight access token on'
      : 'configure the identity provider to issue JWT access tokens with the claims of RFC 9068'
  throw refusal({
    found: `The access token has no claim \`${name}\`, so the account can't be identified`,
    remedy,
  })
}

const roles = z.object({ roles: z.array(z.string()) })

/** A claim of an unexpected shape counts as absent: a check that needs it reports that. */
const optional = z.object({
  exp: z.number().optional().catch(undefined),
  iat: z.number().optional().catch(undefined),
  azp: z.string().optional().catch(undefined),
  client_id: z.string().optional().catch(undefined),
  email: z.string().optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  scope: z.string().optional().catch(undefined),
  realm_access: roles.optional().catch(undefined),
  resource_access: z.unknown().optional(),
})

function readClientRoles(access: unknown): Record<string, readonly string[]> {
  if (typeof access !== 'object' || access === null) return {}
  return Object.fromEntries(
    Object.entries(access).flatMap(([client, entry]) => {
      const read = roles.safeParse(entry)
      return read.success ? [[client, read.data.roles] as const] : []
    }),
  )
}

function refusal(told: Explanation): RefusalError {
  return new RefusalError('claims', 'account', told)
}

/** The session variables that Hasura reads from the token (Hasura docs, "Authentication using JWT"). */
export interface HasuraClaims {
  readonly defaultRole: string
  readonly allowedRoles: readonly string[]
  /** `x-hasura-user-id`; absent unless a mapper writes it. */
  readonly userId?: string
  /** Every claim whose value is text, by lower-case name. */
  readonly values: Readonly<Record<string, string>>
}

/**
 * Reads Hasura's claims from where Hasura is configured to find them (`claims_namespace` or `claims_namespace_path`, and
 * `claims_format`; or `claims_map`). Claim names are case-insensitive.
 *
 * @throws RefusalError with the code of the check that failed: `claims`, `allowed-roles` or `default-role`
 */
export function readHasuraClaims(claims: Claims, location: ClaimsLocation): HasuraClaims {
  const found = new Map(Object.entries(findHasuraClaims(claims, location)))
  const client = claims.authorizedParty ?? 'the client'
  const path = 'map' in location ? findMappedPath(location.map, allowedRolesClaim) : undefined
  const allowedRoles = readAllowedRoles(found.get(allowedRolesClaim), claims, path)
  const defaultRole = readDefaultRole(found.get('x-hasura-default-role'), allowedRoles, claims)
  const values = readValues(found, client)
  const userId = values['x-hasura-user-id']
  return { defaultRole, allowedRoles, ...(userId ? { userId } : {}), values }
}

/** Hasura accepts only text in a session variable, and rejects the whole token otherwise. */
function readValues(found: ReadonlyMap<string, unknown>, client: string): Record<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of found) {
    if (typeof value === 'string') values.set(name, value)
    else if (name.startsWith('x-hasura-') && name !== allowedRolesClaim) {
      throw refusal({
        found: `\`${name}\` of client "${client}" is not text, so Hasura rejects the token (jwt-invalid-claims)`,
        remedy: 'set the claim type of its mapper to String',
      })
    }
  }
  return Object.fromEntries(values)
}

const allowedRolesClaim = 'x-hasura-allowed-roles'
const hasuraMappers = 'Client scopes → hasura → Mappers'

/** @param path of the roles, when HASURA_CLAIMS_MAP sets one */
function readAllowedRoles(value: unknown, claims: Claims, path: string | undefined): readonly string[] {
  const claim = `\`${allowedRolesClaim}\``
  const client = claims.authorizedParty ?? 'the client'
  if (value === undefined || (Array.isArray(value) && value.length === 0)) {
    const lightweight = explainLightweight(claims, claim, `${hasuraMappers} → ${allowedRolesClaim}`)
    if (lightweight && path === undefined) throw refuseRoles(lightweight)
    const assign = `assign one to the service account of client "${client}" (Clients → ${client} → Service account roles)`
    throw refuseRoles(
      path === undefined
        ? { found: `The access token has no ${claim}, probably because no role is assigned`, remedy: assign }
        : {
            found: `The access token has no ${claim} at ${path}, where HASURA_CLAIMS_MAP looks for it`,
            remedy: `if no role is assigned, ${assign}; otherwise correct the path`,
          },
    )
  }
  if (!Array.isArray(value)) {
    throw refuseRoles({
      found: `${claim} of client "${client}" is not a list`,
      remedy: 'turn on Multivalued in the mapper that writes it',
    })
  }
  const read = z.array(z.string().min(1)).safeParse(value)
  if (read.success) return read.data
  throw refuseRoles({
    found: `${claim} of client "${client}" holds a value that is not a role name`,
    remedy: "set the mapper's claim type to String",
  })
}

function refuseRoles(told: Explanation): RefusalError {
  return new RefusalError('allowed-roles', 'account', told)
}

function readDefaultRole(value: unknown, allowedRoles: readonly string[], claims: Claims): string {
  const claim = '`x-hasura-default-role`'
  const client = claims.authorizedParty ?? 'the client'
  const lightweight = explainLightweight(claims, claim, `${hasuraMappers} → x-hasura-default-role`)
  if (lightweight && value === undefined) throw new RefusalError('default-role', 'account', lightweight)
  if (typeof value !== 'string' || value === '') {
    throw new RefusalError('default-role', 'account', {
      found: value === undefined ? `The access token has no ${claim}` : `${claim} is not a role name`,
      remedy: `check its mapper in the \`hasura\` client scope of client "${client}"`,
    })
  }
  if (allowedRoles.includes(value)) return value
  throw new RefusalError('default-role', 'account', {
    found: `${claim} is "${value}", which is not among the allowed roles ${listNames(allowedRoles)}`,
    remedy: `assign that role to the service account of client "${client}", or change the mapper`,
  })
}
