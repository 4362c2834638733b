import type { CheckId } from '../doctor/check.ts'
import { adminApiScope } from '../rest/admin-api-scope.ts'
import { hasuraMappers, lightweightClaim, type WantedMapper } from './hasura-mappers.ts'
import { explainRival, findOtherMappers, findRival } from './other-mappers.ts'
import { planMapper } from './plan-mapper.ts'
import { hasuraScope, type ProvisionTarget, rolesScope } from './provision-target.ts'
import type { MapperState, RealmState, ScopeState } from './realm-state.ts'
import type { Obstacle, Plan, Step } from './step.ts'

/** The client scopes: the one with Hasura's claims and its mappers, and those that the client lacks. */
export function planScopes(state: RealmState, target: ProvisionTarget, defaultRole: string | undefined): Plan {
  const { hasura, defaultScopes, askedScopes } = target
  const exists = (name: string) => state.scopes.some(scope => scope.name === name)
  const steps: Step[] = []
  const obstacles: Obstacle[] = []
  if (hasura && defaultRole !== undefined) {
    const planned = planHasuraScope(state, target, hasuraMappers(hasura, defaultRole, state.lightweight))
    steps.push(...planned.steps)
    obstacles.push(...planned.obstacles)
  }
  if (state.lightweight) steps.push(...planLightweightClaims(state, target))
  for (const scope of defaultScopes) {
    if (scope === rolesScope && writesClientRoles(state)) continue
    const check = scopeChecks[scope]
    if (exists(scope)) steps.push(...attach(state, target, scope, 'default', check ?? 'scope'))
    // Keycloak has split its own scopes over the years: a realm without one is older.
    else if (!check) obstacles.push(unknownScope(state.realm, scope, 'a job requires'))
  }
  for (const scope of new Set(askedScopes.map(asked => (exists(asked) ? asked : withoutOrganization(asked))))) {
    // It is planned above.
    if (scope === hasuraScope && hasura) continue
    if (exists(scope)) steps.push(...attach(state, target, scope, 'optional', 'scope'))
    else obstacles.push(unknownScope(state.realm, scope, 'SCOPE asks for'))
  }
  return { steps, obstacles }
}

/** `organization:acme` and `organization:*` ask for Keycloak's client scope `organization`. */
function withoutOrganization(asked: string): string {
  return asked.startsWith('organization:') ? 'organization' : asked
}

/** What the token lacks without Keycloak's own scopes, or can't be used for. */
const scopeChecks: Readonly<Record<string, CheckId>> = {
  basic: 'claims',
  email: 'email',
  [rolesScope]: 'job-roles',
  [adminApiScope]: 'job-roles',
}

/**
 * Which of Keycloak's own claims a lightweight access token lacks, as far as the account needs them. These mappers are shared by
 * the realm, and affect only lightweight tokens.
 */
function planLightweightClaims(
  { client, scopes }: RealmState,
  { needsEmail, roles, hasura }: ProvisionTarget,
): readonly Step[] {
  const isNeeded = {
    // For a session that ends with the request, Keycloak writes the subject itself.
    claims: client?.attributes['client_credentials.use_refresh_token'] === 'true',
    email: needsEmail,
    'job-roles': roles.some(role => role.client !== hasura?.application),
  }
  const wanted = ownMappers.filter(({ check }) => isNeeded[check])
  return wanted.flatMap(({ scope, writes, check }) => {
    const mappers = scopes.find(({ name }) => name === scope)?.protocolMappers ?? []
    return mappers
      .filter(mapper => writes(mapper) && mapper.config['lightweight.claim'] !== 'true')
      .map(({ id, name, protocolMapper, config }) => ({
        action: {
          kind: 'change-mapper' as const,
          scope,
          id,
          mapper: {
            name,
            protocol: 'openid-connect' as const,
            protocolMapper,
            config: { ...config, ...lightweightClaim },
          },
        },
        check,
        found: `mapper "${name}" of client scope "${scope}" writes nothing into lightweight access tokens`,
        sentence: `turn on Add to lightweight access token for mapper "${name}" of client scope "${scope}"`,
        place: `Client scopes → ${scope} → Mappers → ${name}`,
      }))
  })
}

interface OwnMapper {
  readonly scope: string
  readonly writes: (mapper: MapperState) => boolean
  readonly check: 'claims' | 'email' | 'job-roles'
}

const claim =
  (name: RegExp): OwnMapper['writes'] =>
  ({ config }) =>
    name.test(config['claim.name'] ?? '')

const writesRoles = claim(/^resource_access\./)

const ownMappers: readonly OwnMapper[] = [
  // It has no setting for the claim's name.
  { scope: 'basic', writes: ({ protocolMapper }) => protocolMapper === 'oidc-sub-mapper', check: 'claims' },
  { scope: 'email', writes: claim(/^email(?:_verified)?$/), check: 'email' },
  { scope: rolesScope, writes: writesRoles, check: 'job-roles' },
]

/** Whether a mapper of the client, or of a scope that it has, already does. */
function writesClientRoles({ client, scopes, defaultScopes }: RealmState): boolean {
  const applied = scopes.filter(({ name }) => defaultScopes.includes(name))
  return [client, ...applied].some(each => each?.protocolMappers.some(writesRoles))
}

function unknownScope(realm: string, scope: string, who: string): Obstacle {
  return {
    check: 'scope',
    found: `realm "${realm}" has no client scope "${scope}", which ${who}`,
    advice: 'create it under Client scopes, as the API expects it',
  }
}

/** A claim that another mapper writes for the client is left to that one; the scope is for the others. */
function planHasuraScope(state: RealmState, target: ProvisionTarget, wanted: readonly WantedMapper[]): Plan {
  const { realm, scopes, defaultScopes } = state
  const place = `Client scopes → ${hasuraScope}`
  const others = findOtherMappers(state, target)
  const isNeeded = wanted.some(mapper => !findRival(others, mapper, []))
  const isUsed = defaultScopes.includes(hasuraScope) || target.askedScopes.includes(hasuraScope)
  if (!isNeeded && !isUsed) {
    return { steps: [], obstacles: wanted.flatMap(mapper => planClaim(mapper, undefined).obstacles) }
  }
  const scope = scopes.find(({ name }) => name === hasuraScope)
  const steps: Step[] = []
  if (!scope) {
    steps.push({
      action: { kind: 'create-scope', scope: hasuraScope },
      check: 'claims',
      found: `realm "${realm}" has no client scope "${hasuraScope}"`,
      sentence: `create client scope "${hasuraScope}"`,
      place: 'Client scopes → Create client scope',
    })
  } else if (scope.attributes['include.in.token.scope'] === 'false') {
    steps.push({
      action: { kind: 'change-scope', scope: hasuraScope, attributes: { 'include.in.token.scope': 'true' } },
      check: 'scope',
      found: `client scope "${hasuraScope}" is not named in the token's scope`,
      sentence: `turn on Include in token scope for client scope "${hasuraScope}"`,
      place: `${place} → Settings`,
    })
  }
  const mappers = wanted.map(mapper => planClaim(mapper, scope))
  return {
    steps: [
      ...steps,
      ...mappers.flatMap(each => each.steps),
      ...attach(state, target, hasuraScope, isNeeded ? 'default' : 'optional', isNeeded ? 'claims' : 'scope'),
    ],
    obstacles: mappers.flatMap(each => each.obstacles),
  }

  function planClaim(mapper: WantedMapper, scope: ScopeState | undefined): Plan {
    const inScope = scope?.protocolMappers ?? []
    const rival = findRival(others, mapper, inScope)
    if (!rival) return planMapper(scope, mapper, `${place} → Mappers`)
    return { steps: [], obstacles: explainRival(rival, mapper, inScope, others) }
  }
}

function attach(
  state: RealmState,
  { clientId }: ProvisionTarget,
  scope: string,
  as: 'default' | 'optional',
  check: CheckId,
): readonly Step[] {
  if (state.defaultScopes.includes(scope)) return []
  const isOptional = state.optionalScopes.includes(scope)
  if (isOptional && as === 'optional') return []
  return [
    {
      action: { kind: 'attach-scope', scope, as },
      check,
      found: isOptional
        ? `client scope "${scope}" is an optional one of client "${clientId}", so a token has it on request only`
        : `client scope "${scope}" is not assigned to client "${clientId}"`,
      sentence: `make client scope "${scope}" ${as === 'default' ? 'a default' : 'an optional'} scope of client "${clientId}"`,
      place: `Clients → ${clientId} → Client scopes`,
    },
  ]
}
