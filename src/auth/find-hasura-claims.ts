import type { ClaimsLocation, ClaimsObject } from '../account.ts'
import type { Explanation } from '../explanation.ts'
import { findJson } from '../json/parse-json.ts'
import { type Claims, refuseClaims } from './claims.ts'
import { findAtPath, parseJsonPath } from './json-path.ts'
import { explainLightweight } from './lightweight-token.ts'
import { mapClaims } from './map-claims.ts'

/**
 * Finds Hasura's claims, in one object of the token or at the paths of a map.
 *
 * @returns the claims by lower-case name
 * @throws RefusalError (`claims`) that names the most likely mistake
 */
export function findHasuraClaims(token: Claims, location: ClaimsLocation): Readonly<Record<string, unknown>> {
  const found = 'map' in location ? mapClaims(token, location.map) : findObject(token, location)
  return Object.fromEntries(Object.entries(found).map(([name, value]) => [name.toLowerCase(), value]))
}

function findObject(token: Claims, location: ClaimsObject): Readonly<Record<string, unknown>> {
  const where = location.path ?? location.namespace
  const value = findAtPath(token.payload, readNames(location))
  if (value === undefined) throw refuseClaims(explainAbsence(token, location, where))
  if (location.format === 'json') return readObject(value, where)
  return readStringified(value, where)
}

function readNames({ path, namespace }: ClaimsObject): readonly string[] {
  if (path === undefined) return [namespace]
  const names = parseJsonPath(path)
  if (names) return names
  throw refuseClaims({
    found: 'HASURA_CLAIMS_PATH is not a JSON path',
    remedy: "write it like $.hasura.claims or $['hasura.io'].claims, with one $, which Compose files double",
  })
}

function readObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  const object = asObject(value)
  if (object) return object
  if (typeof value === 'string' && asObject(findJson(value))) {
    throw refuseClaims({
      found: `The claim \`${where}\` is a string that holds JSON`,
      remedy: 'set HASURA_CLAIMS_FORMAT=stringified_json',
    })
  }
  throw refuseClaims({
    found: `The claim \`${where}\` is not an object with Hasura's claims`,
    remedy: 'check the mappers of the client scope',
  })
}

function readStringified(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'string') {
    throw refuseClaims({
      found: `The claim \`${where}\` is JSON, not a string that holds JSON`,
      remedy: 'set HASURA_CLAIMS_FORMAT=json',
    })
  }
  const object = asObject(findJson(value))
  if (object) return object
  throw refuseClaims({
    found: `The claim \`${where}\` is a string that does not hold a JSON object`,
    remedy: 'check its mapper',
  })
}

function explainAbsence(token: Claims, location: ClaimsObject, where: string): Explanation {
  const client = token.authorizedParty ?? 'the client'
  const found = `The access token of client "${client}" has no claim \`${where}\``
  if (location.path === undefined && isSplitAtDots(token.payload, location.namespace)) {
    return {
      found: `${found}, but one that was split at its dots`,
      remedy: "escape each dot in the mapper's claim name that does not separate levels as \\.",
    }
  }
  const elsewhere = Object.keys(token.payload).find(name => holdsRoles(token.payload[name]))
  if (elsewhere !== undefined) {
    return {
      found: `${found}, but Hasura's roles are in \`${elsewhere}\``,
      remedy: `set HASURA_CLAIMS_NAMESPACE=${elsewhere} if Hasura reads that claim; otherwise correct the claim name of the mappers`,
    }
  }
  const lightweight = explainLightweight(
    token,
    `claim \`${where}\``,
    'each mapper under Client scopes → hasura → Mappers',
  )
  if (lightweight) return lightweight
  if (token.scopes.includes('hasura')) {
    return {
      found: `${found}, though it has the \`hasura\` scope`,
      remedy:
        'check that each mapper of that client scope has Add to access token on (Client scopes → hasura → Mappers), and for a lightweight access token also Add to lightweight access token, and that HASURA_CLAIMS_NAMESPACE or HASURA_CLAIMS_PATH is the claim that they write',
    }
  }
  const scope = `make the \`hasura\` client scope a default scope of the client (Clients → ${client} → Client scopes)`
  if (Object.entries(token.clientRoles).some(([name, roles]) => !builtInClients.has(name) && roles.length > 0)) {
    return { found: `${found}, though roles are assigned`, remedy: scope }
  }
  return {
    found: `${found}, and no assigned client role either`,
    remedy: `${scope}; or, if the mappers write another claim, correct HASURA_CLAIMS_NAMESPACE or HASURA_CLAIMS_PATH`,
  }
}

function holdsRoles(value: unknown): boolean {
  const claims = asObject(typeof value === 'string' ? findJson(value) : value) ?? {}
  return Object.keys(claims).some(name => name.toLowerCase() === 'x-hasura-allowed-roles')
}

/** Keycloak's own clients, in every realm; a new user has roles of `account` by default. */
export const builtInClients: ReadonlySet<string> = new Set(['account', 'broker', 'realm-management'])

/** A mapper treats each unescaped dot of a claim name as a level, so `https://hasura.io/…` becomes `{"https://hasura": {…}}`. */
function isSplitAtDots(payload: unknown, namespace: string): boolean {
  return namespace.includes('.') && findAtPath(payload, namespace.split('.')) !== undefined
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return Object.fromEntries(Object.entries(value))
}
