import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'
import { z } from 'zod'
import { RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'

/** The decoded claims of an access token, not verified: that is up to the API. Instants in milliseconds since 1970. */
export interface Claims {
  readonly issuer: string
  readonly subject: string
  /** How the token is signed, such as `RS256` (RFC 7518, section 3.1). */
  readonly algorithm?: string
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
  const payload = decodeClaims(token)
  const issuer = requireText(payload, 'iss')
  const subject = requireText(payload, 'sub')
  const { exp, iat, azp, client_id, email, email_verified, scope, scp, realm_access, resource_access } =
    optional.parse(payload)
  const authorizedParty = azp ?? client_id
  const { alg: algorithm } = decodeProtectedHeader(token)
  return {
    issuer,
    subject,
    ...(algorithm !== undefined && { algorithm }),
    ...(exp !== undefined && { expiresAt: exp * 1_000 }),
    ...(iat !== undefined && { issuedAt: iat * 1_000 }),
    ...(authorizedParty !== undefined && { authorizedParty }),
    ...(email !== undefined && { email }),
    ...(email_verified !== undefined && { emailVerified: email_verified }),
    scopes: [scope ?? scp ?? []].flat().flatMap(names => names.split(' ').filter(name => name !== '')),
    realmRoles: realm_access?.roles ?? [],
    clientRoles: readClientRoles(resource_access),
    payload,
  }
}

/**
 * The payload of a signed JWT, whatever it holds.
 *
 * @throws RefusalError (`claims`) like `parseClaims`
 */
export function decodeClaims(token: string): JWTPayload {
  try {
    const payload = decodeJwt(token)
    if (isSigned(token)) return payload
  } catch {
    // jose's error isn't kept as a cause: it may quote the token.
    throw refuseClaims({
      found: 'The access token is not a JWT, so its claims cannot be read',
      remedy: 'configure the identity provider to issue JWT access tokens for this client',
    })
  }
  throw refuseClaims({
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
  throw refuseClaims({
    found: `The access token has no claim \`${name}\`, so the account can't be identified`,
    remedy,
  })
}

/** A text (RFC 9068, section 2.2.3); in tokens of Spring, Okta and Entra ID also a list, or under the name `scp`. */
const scopeNames = z
  .union([z.string(), z.array(z.string())])
  .optional()
  .catch(undefined)
const roles = z.object({ roles: z.array(z.string()) })

/** A claim of an unexpected shape counts as absent: a check that needs it reports that. */
const optional = z.object({
  exp: z.number().optional().catch(undefined),
  iat: z.number().optional().catch(undefined),
  azp: z.string().optional().catch(undefined),
  client_id: z.string().optional().catch(undefined),
  email: z.string().optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
  scope: scopeNames,
  scp: scopeNames,
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

export function refuseClaims(told: Explanation): RefusalError {
  return new RefusalError('claims', 'account', told)
}
