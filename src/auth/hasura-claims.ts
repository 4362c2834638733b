import { z } from 'zod'
import type { ClaimsLocation, ClaimsMap } from '../account.ts'
import { RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { listNames } from '../names/list-names.ts'
import { alsoInScope } from './also-in-scope.ts'
import type { Claims } from './claims.ts'
import { findHasuraClaims } from './find-hasura-claims.ts'
import { explainLightweight } from './lightweight-token.ts'
import { findMappedPath } from './map-claims.ts'

/** The session variables that Hasura reads from the token (Hasura docs, "Authentication using JWT"). */
export interface HasuraClaims {
  readonly defaultRole: string
  readonly allowedRoles: readonly string[]
  /** Whether HASURA_CLAIMS_MAP lists the allowed roles itself, the same for every token. */
  readonly areRolesFixed?: true
  /** `x-hasura-user-id`; absent unless a mapper writes it. */
  readonly userId?: string
  /** The session variables whose value is text, by lower-case name. */
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
  const map = 'map' in location ? location.map : undefined
  const path = map && findMappedPath(map, allowedRolesClaim)
  const allowedRoles = readAllowedRoles(found.get(allowedRolesClaim), claims, path)
  const areRolesFixed = map !== undefined && path === undefined
  const defaultRole = readDefaultRole(found.get('x-hasura-default-role'), { allowedRoles, areRolesFixed }, claims, map)
  const values = readValues(found, client)
  const userId = values['x-hasura-user-id']
  return { defaultRole, allowedRoles, ...(areRolesFixed && { areRolesFixed }), ...(userId ? { userId } : {}), values }
}

/**
 * Hasura reads only claims of this name, and accepts only text in them: otherwise it rejects the whole token. The others may be
 * those of the token itself (`claims_namespace_path` `$`), which are new in each token.
 */
function readValues(found: ReadonlyMap<string, unknown>, client: string): Record<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of found) {
    if (!name.startsWith('x-hasura-')) continue
    if (typeof value === 'string') values.set(name, value)
    else if (name !== allowedRolesClaim) {
      throw new RefusalError('claims', 'account', {
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
    const assign = `assign one to the service account of client "${client}" (Clients → ${client} → Service account roles)${alsoInScope(client)}`
    throw refuseRoles(
      path === undefined
        ? {
            found: `The access token has no ${claim}, probably because no role is assigned`,
            remedy: `${assign}; or enable the client of its roles`,
          }
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

function readDefaultRole(
  value: unknown,
  { allowedRoles, areRolesFixed }: { readonly allowedRoles: readonly string[]; readonly areRolesFixed: boolean },
  claims: Claims,
  map: ClaimsMap | undefined,
): string {
  const claim = '`x-hasura-default-role`'
  const client = claims.authorizedParty ?? 'the client'
  const lightweight = explainLightweight(claims, claim, `${hasuraMappers} → x-hasura-default-role`)
  if (lightweight && value === undefined && !map) throw new RefusalError('default-role', 'account', lightweight)
  if (typeof value !== 'string' || value === '') {
    throw new RefusalError('default-role', 'account', {
      found: value === undefined ? `The access token has no ${claim}` : `${claim} is not a role name`,
      remedy: map
        ? `correct its path or add a default, ${inBothMaps}`
        : `check its mapper in the \`hasura\` client scope of client "${client}"`,
    })
  }
  if (allowedRoles.includes(value)) return value
  throw new RefusalError('default-role', 'account', {
    found: `${claim} is "${value}", which is not among the allowed roles ${listNames(allowedRoles)}`,
    remedy: areRolesFixed
      ? `change one of them, ${inBothMaps}`
      : `assign that role to the service account of client "${client}", or change ${map ? `the default role, ${inBothMaps}` : 'the mapper'}`,
  })
}

/** Where to change what HASURA_CLAIMS_MAP copies. */
export const inBothMaps = "in Hasura's claims_map and in HASURA_CLAIMS_MAP"
