import type { ClaimsMap, MappedClaim } from '../account.ts'
import { roleClaims } from '../config/read-claims-location.ts'
import { type Claims, refuseClaims } from './claims.ts'
import { findAtPath, parseJsonPath } from './json-path.ts'

/**
 * Collects the claims of a map (Hasura docs, "Authentication using JWT", `claims_map`): a value itself, or the value at a path from the
 * token's root, or the default for tokens without that path.
 *
 * A role claim without a value is left out: the reader of the roles reports it.
 *
 * @throws RefusalError (`claims`) when any other claim has no value, which Hasura rejects too, or a path is invalid
 */
export function mapClaims(token: Claims, map: ClaimsMap): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(map).flatMap(([name, mapped]) => {
      const value = findValue(token, name, mapped)
      if (value !== undefined) return [[name, value] as const]
      if (roleClaims.includes(name.toLowerCase())) return []
      throw refuseClaims({
        found: `The access token of client "${token.authorizedParty ?? 'the client'}" has no claim at ${describePlace(mapped)}, where HASURA_CLAIMS_MAP looks for \`${name}\``,
        remedy: "add a mapper that writes it, or set a default in Hasura's claims_map and in HASURA_CLAIMS_MAP",
      })
    }),
  )
}

/** @returns undefined when the map holds the value itself, or doesn't name the claim */
export function findMappedPath(map: ClaimsMap, claim: string): string | undefined {
  const mapped = Object.entries(map).find(([name]) => name.toLowerCase() === claim)?.[1]
  return mapped !== undefined && isPlace(mapped) ? mapped.path : undefined
}

function findValue(token: Claims, name: string, mapped: MappedClaim): unknown {
  if (!isPlace(mapped)) return mapped
  const names = parseJsonPath(mapped.path)
  if (names) {
    const value = findAtPath(token.payload, names)
    return value === undefined ? mapped.default : value
  }
  throw refuseClaims({
    found: `The path of \`${name}\` in HASURA_CLAIMS_MAP is not a JSON path`,
    remedy: 'write it like $.user.roles, with one $, which Compose files double',
  })
}

function isPlace(mapped: MappedClaim): mapped is Exclude<MappedClaim, string | readonly string[]> {
  return typeof mapped === 'object' && 'path' in mapped
}

function describePlace(mapped: MappedClaim): string {
  return isPlace(mapped) ? mapped.path : 'any path'
}
