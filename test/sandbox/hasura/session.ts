import { HasuraError } from './hasura-error.ts'
import type { JwtConfig } from './jwt-config.ts'
import { isJsonObject, type Json, JsonNumber, parseJson } from './lossless-json.ts'
import type { TokenClaims } from './verify-token.ts'

/** The user, the role, and the `x-hasura-*` values that permissions may refer to (lower-case names). */
export interface Session {
  readonly role: string
  readonly variables: ReadonlyMap<string, string>
}

const defaultNamespace = 'https://hasura.io/jwt/claims'
const allowedRolesClaim = 'x-hasura-allowed-roles'
const defaultRoleClaim = 'x-hasura-default-role'

export function sessionFromClaims(config: JwtConfig, token: TokenClaims, requestedRole: string | undefined): Session {
  const claims = new Map<string, Json>()
  for (const [name, value] of Object.entries(hasuraClaims(config, token))) {
    if (name.toLowerCase().startsWith('x-hasura-')) claims.set(name.toLowerCase(), value)
  }
  const allowedRoles = rolesClaim(claims)
  const defaultRole = roleClaim(claims)
  const role = requestedRole ?? defaultRole
  if (!allowedRoles.includes(role)) {
    throw new HasuraError('access-denied', 'Your requested role is not in allowed roles')
  }
  const variables = new Map<string, string>([['x-hasura-role', role]])
  for (const [name, value] of claims) {
    if (name === allowedRolesClaim || name === defaultRoleClaim || name === 'x-hasura-role') continue
    if (typeof value !== 'string') throw invalidClaims(`x-hasura-* claims: ${aesonMismatch('Text', 'String', value)}`)
    variables.set(name, value)
  }
  return { role, variables }
}

function hasuraClaims(config: JwtConfig, token: TokenClaims): { [name: string]: Json } {
  const path = config.claimsNamespacePath
  const namespace = config.claimsNamespace ?? defaultNamespace
  const found = path === undefined ? token[namespace] : atPath(token, path)
  if (found === undefined) {
    const where =
      path === undefined
        ? `claims key: '${namespace}' not found`
        : `claims not found at claims_namespace_path: '${path}'`
    throw invalidClaims(where)
  }
  if (config.claimsFormat !== 'stringified_json') {
    if (isJsonObject(found)) return found
    throw invalidClaims('expecting a json object when claims_format is json')
  }
  if (typeof found !== 'string') throw invalidClaims('expecting a string when claims_format is stringified_json')
  const location = path === undefined ? `claims_namespace ${namespace}` : `claims_namespace_path ${path}`
  const wrong = invalidClaims(`expecting stringified json at: '${location}', but found: ${found}`)
  try {
    const parsed = parseJson(found)
    if (isJsonObject(parsed)) return parsed
  } catch (cause) {
    wrong.cause = cause
  }
  throw wrong
}

function rolesClaim(claims: ReadonlyMap<string, Json>): string[] {
  const roles = present(claims, allowedRolesClaim)
  const wrong = `invalid ${allowedRolesClaim}; should be a list of roles: `
  if (!Array.isArray(roles)) throw invalidClaims(wrong + aesonMismatch('[]', 'Array', roles))
  return roles.map(role => {
    if (typeof role !== 'string') throw invalidClaims(wrong + aesonMismatch('RoleName', 'String', role))
    return role
  })
}

function roleClaim(claims: ReadonlyMap<string, Json>): string {
  const role = present(claims, defaultRoleClaim)
  if (typeof role === 'string') return role
  const wrong = `invalid ${defaultRoleClaim}; should be a single role name: `
  throw invalidClaims(wrong + aesonMismatch('RoleName', 'String', role))
}

function present(claims: ReadonlyMap<string, Json>, name: string): Json {
  const value = claims.get(name)
  if (value === undefined) throw new HasuraError('jwt-missing-role-claims', `JWT claim does not contain ${name}`)
  return value
}

/** `$`, `$.a.b`, `$['a.b'].c`: as much of JSONPath as a claims path needs. */
function atPath(root: Json, path: string): Json | undefined {
  const steps = [...path.matchAll(/\.([A-Za-z0-9_-]+)|\[['"]([^'"]+)['"]\]/g)].map(m => m[1] ?? m[2] ?? '')
  return steps.reduce<Json | undefined>((value, step) => (isJsonObject(value) ? value[step] : undefined), root)
}

const invalidClaims = (message: string) => new HasuraError('jwt-invalid-claims', message)

/** The words of Haskell's JSON parser, which reach the client. */
export function aesonMismatch(type: string, expected: string, found: Json): string {
  return `parsing ${type} failed, expected ${expected}, but encountered ${aesonKind(found)}`
}

function aesonKind(value: Json): string {
  if (value === null) return 'Null'
  if (typeof value === 'boolean') return 'Boolean'
  if (typeof value === 'string') return 'String'
  if (value instanceof JsonNumber) return 'Number'
  return Array.isArray(value) ? 'Array' : 'Object'
}
