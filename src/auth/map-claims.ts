import type { ClaimsMap, MappedClaim } from '../account.ts'
import { type Explanation, RefusalError } from '../errors.ts'
import { findAtPath, parseJsonPath } from './json-path.ts'
import type { SearchedToken } from './searched-token.ts'

/**
 * Collects the claims that a map says (Hasura docs, "Authentication using JWT", `claims_map`): a value as it stands, or what
 * the token has at a path from its root, or the default for tokens that have nothing there.
 *
 * A role without a place is left out, since what that means is told by whoever reads the roles.
 *
 * @throws RefusalError (`claims`) when any other claim has no value, which Hasura refuses as well, or a path is none
 */
export function mapClaims(token: SearchedToken, map: ClaimsMap): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(map).flatMap(([name, mapped]) => {
      const value = findValue(token, name, mapped)
      if (value !== undefined) return [[name, value] as const]
      if (roleClaims.has(name.toLowerCase())) return []
      throw refusal({
        found: `The access token of client "${token.authorizedParty ?? 'the client'}" has no claim at ${describePlace(mapped)}, where HASURA_CLAIMS_MAP looks for \`${name}\``,
        remedy: "add a mapper that writes it, or give it a default in Hasura's claims_map and here",
      })
    }),
  )
}

/** @returns undefined where the map has the value itself, or doesn't name the claim */
export function findMappedPath(map: ClaimsMap, claim: string): string | undefined {
  const mapped = Object.entries(map).find(([name]) => name.toLowerCase() === claim)?.[1]
  return mapped !== undefined && isPlace(mapped) ? mapped.path : undefined
}

/** Those that Hasura's configuration must name. */
const roleClaims: ReadonlySet<string> = new Set(['x-hasura-allowed-roles', 'x-hasura-default-role'])

function findValue(token: SearchedToken, name: string, mapped: MappedClaim): unknown {
  if (!isPlace(mapped)) return mapped
  const names = parseJsonPath(mapped.path)
  if (names) {
    const value = findAtPath(token.payload, names)
    return value === undefined ? mapped.default : value
  }
  throw refusal({
    found: `The path of \`${name}\` in HASURA_CLAIMS_MAP is not a JSON path`,
    remedy: 'write it like $.user.roles',
  })
}

function isPlace(mapped: MappedClaim): mapped is Exclude<MappedClaim, string | readonly string[]> {
  return typeof mapped === 'object' && 'path' in mapped
}

function describePlace(mapped: MappedClaim): string {
  return isPlace(mapped) ? mapped.path : 'any place'
}

function refusal(told: Explanation): RefusalError {
  return new RefusalError('claims', 'account', told)
}
