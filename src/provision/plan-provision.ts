import type { CheckId } from '../doctor/check.ts'
import { hasuraMappers } from './hasura-mappers.ts'
import { explainMappedRoles } from './mapped-roles.ts'
import { addsToClaim } from './mapper-difference.ts'
import { findOtherMappers, findRival, isOther } from './other-mappers.ts'
import { findOthersClient } from './others-client.ts'
import type { OwnCredential } from './own-credential.ts'
import { planClient } from './plan-client.ts'
import { planCredential } from './plan-credential.ts'
import { findMappers } from './plan-mapper.ts'
import { planScopes } from './plan-scopes.ts'
import { planUser } from './plan-user.ts'
import { type HasuraTarget, hasuraScope, type ProvisionTarget } from './provision-target.ts'
import type { RealmState } from './realm-state.ts'
import type { Obstacle, Plan } from './step.ts'

/**
 * The difference between current and desired state; pure. Each step needs only earlier ones, and after a plan has been carried
 * out the next one is empty.
 *
 * @param rotate replaces a secret or key that is valid
 */
export function planProvision(state: RealmState, target: ProvisionTarget, own: OwnCredential, rotate = false): Plan {
  const credential = planCredential(state, target, own, rotate)
  const others = findOthersClient(state, credential)
  if (others.length > 0) return { steps: [], obstacles: others }
  const { hasura, elsewhere } = target
  const defaultRole = hasura && chooseDefaultRole(state, target, hasura)
  // Hasura refuses a token whose default role isn't among the allowed ones.
  const added =
    hasura && defaultRole !== undefined && isRoleOf(state, hasura.application, defaultRole)
      ? [{ client: hasura.application, role: defaultRole }]
      : []
  const isListed = target.roles.some(each => added.some(one => one.client === each.client && one.role === each.role))
  const scopes = planScopes(state, target, defaultRole)
  const user = planUser(state, target, isListed ? target.roles : [...target.roles, ...added])
  return {
    steps: [...planClient(state, target), ...credential, ...scopes.steps, ...user.steps],
    obstacles: [
      ...(hasura ? explainDefaultRole(state, target, hasura, defaultRole) : []),
      ...(elsewhere ? [explainMappedRoles(elsewhere.path, target.clientId, elsewhere.roles)] : []),
      ...scopes.obstacles,
      ...user.obstacles,
    ],
  }
}

function explainDefaultRole(
  state: RealmState,
  { clientId }: ProvisionTarget,
  hasura: HasuraTarget,
  role: string | undefined,
): readonly Obstacle[] {
  const check = 'default-role'
  if (role === undefined) {
    const advice = 'name the roles that the account should have with --role'
    return [{ check, found: 'no job requires a role', advice }]
  }
  const scope = state.scopes.find(({ name }) => name === hasuraScope)
  const found = hasuraMappers(hasura, role).flatMap(mapper => findMappers(scope, mapper))
  const other = found
    .map(({ config }) => config['usermodel.clientRoleMapping.clientId'])
    .find(client => client && client !== hasura.application)
  const isGiven = found.some(({ config }) => config['claim.value'] === role)
  const isKnown = !state.roleClients.has(hasura.application) || isRoleOf(state, hasura.application, role)
  if (other === undefined || !isGiven || isKnown) return []
  const page = `Clients → ${clientId} → Client scopes`
  return [
    {
      check,
      found: `client scope "${hasuraScope}" is also that of client "${other}", and its mapper writes the default role "${role}"`,
      advice: `assign that role to the account, or add mappers of Hasura's claims under ${page} → ${clientId}-dedicated, and remove client scope "${hasuraScope}" under ${page}`,
      isSuspected: true,
    },
  ]
}

/** The one that a mapper already writes, for this client or for others that share it; otherwise the account's first role. */
function chooseDefaultRole(state: RealmState, target: ProvisionTarget, hasura: HasuraTarget): string | undefined {
  const scope = state.scopes.find(({ name }) => name === hasuraScope)
  const inScope = state.defaultScopes.includes(hasuraScope) ? (scope?.protocolMappers ?? []) : []
  const others = findOtherMappers(state, target)
  const wanted = (check: CheckId) => hasuraMappers(hasura, '').filter(mapper => mapper.check === check)
  const [given] = wanted('default-role').flatMap(mapper =>
    [findRival(others, mapper, inScope) ?? [], findMappers(scope, mapper)]
      .flat()
      .filter(({ protocolMapper }) => protocolMapper === mapper.protocolMapper),
  )
  const value = given?.config['claim.value']
  // It may be a role from another source.
  const hasMoreRoles = wanted('allowed-roles').some(mapper => {
    const rival = findRival(others, mapper, inScope)
    return (
      (rival && isOther(rival, mapper)) ||
      [...findMappers(scope, mapper), ...others].some(each => addsToClaim(each, mapper))
    )
  })
  if (value && (hasMoreRoles || isRoleOf(state, hasura.application, value))) return value
  return target.roles.find(({ client }) => client === hasura.application)?.role
}

function isRoleOf({ roleClients }: RealmState, client: string, role: string): boolean {
  return roleClients.get(client)?.roles.includes(role) ?? false
}
