import type { WantedMapper } from './hasura-mappers.ts'
import { addsToClaim, areMerged, describeDifference, isOfGroups, sourceOf, writesClaim } from './mapper-difference.ts'
import { hasuraScope, type ProvisionTarget } from './provision-target.ts'
import type { MapperState, RealmState } from './realm-state.ts'
import type { Obstacle } from './step.ts'

/** A mapper that applies to the client's tokens, outside the client scope with Hasura's claims. */
export interface OtherMapper extends MapperState {
  /** `client "sync"`, or another client scope. */
  readonly holder: string
  /** Where to change it, or to take its scope from the client. */
  readonly advice: string
}

/**
 * Those of the client itself, and of its other scopes: the default ones, and those that it gets or its account requests. A new client
 * gets the realm's default scopes. A mapper of groups writes nothing for an account without any.
 */
export function findOtherMappers(
  { client, scopes, defaultScopes, user }: RealmState,
  target: ProvisionTarget,
): OtherMapper[] {
  const { clientId, askedScopes, group } = target
  const hasGroups = group !== undefined || (user?.groups ?? []).length > 0
  const page = `Clients → ${clientId} → Client scopes`
  const applied = new Set([...defaultScopes, ...target.defaultScopes, ...askedScopes])
  const own = (client?.protocolMappers ?? []).map(mapper => ({
    ...mapper,
    holder: `client "${clientId}"`,
    advice: `correct or delete it under ${page} → ${clientId}-dedicated`,
  }))
  const shared = scopes
    .filter(({ name }) => name !== hasuraScope && applied.has(name))
    .flatMap(({ name, protocolMappers }) =>
      protocolMappers.map(mapper => ({
        ...mapper,
        holder: `client scope "${name}"`,
        advice: `remove client scope "${name}" ${askedScopes.includes(name) ? `from SCOPE, and ` : ''}under ${page}`,
      })),
    )
  return [...own, ...shared].filter(mapper => hasGroups || !isOfGroups(mapper))
}

/**
 * The one that decides what the claim holds, unless the client scope with Hasura's claims does.
 *
 * @param inScope the mappers of the client scope with Hasura's claims, if the client has it or gets it
 */
export function findRival(
  others: readonly OtherMapper[],
  wanted: WantedMapper,
  inScope: readonly MapperState[],
): OtherMapper | undefined {
  const all = [...inScope, ...others].filter(each => replacesClaim(each, wanted))
  const isReplaced = (found: MapperState) =>
    writesClaim(found, wanted) && all.some(each => isAppliedBefore(found, each) && !areMerged(found, each))
  const rivals = others.filter(each => replacesClaim(each, wanted) && !isReplaced(each))
  return rivals.find(isOfGroups) ?? rivals.find(isOfRoles) ?? rivals[0]
}

/**
 * What to do about a rival. If the client scope, or another rival, writes another value, which of both is in a token depends on the order
 * in which Keycloak happens to apply mappers, and may change with any mapper that is added.
 */
export function explainRival(
  rival: OtherMapper,
  wanted: WantedMapper,
  inScope: readonly MapperState[],
  others: readonly OtherMapper[],
): readonly Obstacle[] {
  const { check, name } = wanted
  const { advice } = rival
  const mapper = `mapper "${rival.name}" of ${rival.holder}`
  const roles = [...inScope, ...others].filter(each => replacesClaim(each, wanted) && isOfRoles(each))
  if (isOfGroups(rival) && roles.some(each => areMerged(rival, each))) {
    const found = `${mapper} adds the names of the account's groups to ${name}, so it may act as roles that nobody assigned to it`
    return [{ check, found, advice }]
  }
  const isContrary = (each: MapperState) =>
    replacesClaim(each, wanted) && isOther(each, rival) && !isAppliedBefore(each, rival)
  const explainChance = (other: MapperState, holder: string, whatToDo: string): readonly Obstacle[] => {
    const found = `${mapper} writes ${name}, and so does ${holder} with another value: which of both is in a token is left to chance`
    return [{ check, found, advice: whatToDo, ...([rival, other].some(mayBeEmpty) && { isSuspected: true }) }]
  }
  const shared = inScope.find(isContrary)
  if (shared) return explainChance(shared, `client scope "${hasuraScope}"`, advice)
  const other = others.find(each => isContrary(each) && [each, rival].every(one => writesClaim(one, wanted)))
  if (other) {
    return explainChance(other, `mapper "${other.name}" of ${other.holder}`, `${advice}; or ${other.advice}`)
  }
  const { config } = rival
  // Keycloak writes text unless it is told otherwise.
  const difference = describeDifference(
    { ...rival, config: { ...config, 'jsonType.label': config['jsonType.label'] || 'String' } },
    wanted,
  )
  if (difference === undefined) return []
  return [{ check, found: `${mapper}, which writes ${name}, ${difference}`, advice, isSuspected: true }]
}

/** Keycloak applies mappers of roles after others, and scripts after these. The value of the last one is in the token. */
function isAppliedBefore(one: MapperState, other: MapperState): boolean {
  return rankOf(one) < rankOf(other)
}

function rankOf(mapper: MapperState): number {
  if (/^script-|^oidc-script-based-protocol-mapper$/.test(mapper.protocolMapper)) return 2
  return isOfRoles(mapper) ? 1 : 0
}

/** A mapper of an attribute that the account's user lacks, unlike people, writes nothing. */
function mayBeEmpty({ protocolMapper }: MapperState): boolean {
  return protocolMapper === 'oidc-usermodel-attribute-mapper'
}

function isOfRoles({ protocolMapper }: MapperState): boolean {
  return ['oidc-usermodel-client-role-mapper', 'oidc-usermodel-realm-role-mapper'].includes(protocolMapper)
}

/** Whether what it writes into access tokens is not merged with what the wanted one writes. */
function replacesClaim(found: MapperState, wanted: WantedMapper): boolean {
  const { config } = found
  const isWritten = config['access.token.claim'] === 'true'
  const isMissed = 'lightweight.claim' in wanted.config && config['lightweight.claim'] !== 'true'
  const writes = writesClaim(found, wanted) || writesAround(found, wanted)
  return isWritten && !isMissed && writes && !addsToClaim(found, wanted)
}

/** Whether it writes all of Hasura's claims as one object. */
function writesAround({ config }: MapperState, wanted: WantedMapper): boolean {
  return wanted.config['claim.name']?.startsWith(`${config['claim.name']}.`) ?? false
}

type Source = Pick<MapperState, 'protocolMapper' | 'config'>

/** Whether it writes another value. */
export function isOther(one: Source, other: Source): boolean {
  return one.protocolMapper !== other.protocolMapper || sourceOf(one) !== sourceOf(other)
}
