import { builtInClients } from '../auth/find-hasura-claims.ts'
import type { WantedMapper } from './hasura-mappers.ts'
import {
  addsToClaim,
  describeDifference,
  describeSource,
  isOfGroups,
  sourceOf,
  typeOf,
  writesClaim,
} from './mapper-difference.ts'
import { hasuraScope } from './provision-target.ts'
import type { MapperState, ScopeState } from './realm-state.ts'
import type { Mapper, Obstacle, Plan, Step } from './step.ts'

/**
 * Makes one mapper, of those that a client scope has, write the claim as wanted; the others that write it are removed. One that writes
 * it from another source stays unchanged, because other clients of the realm may depend on what it writes.
 */
export function planMapper(scope: ScopeState | undefined, wanted: WantedMapper, place: string): Plan {
  const { check, ...mapper } = wanted
  const claim = mapper.name
  const ours = `${typeOf(mapper)}${describeSource(mapper)}`
  const found = findMappers(scope, mapper)
  const right = found.find(each => describeDifference(each, mapper) === undefined)
  const foreign = found.filter(each => isForeign(each, mapper))
  const obstacles = foreign.filter(isInAccessToken).map((each): Obstacle => {
    const theirs = `${typeOf(each)}${describeSource(each)}`
    return {
      check,
      found: `mapper "${each.name}" of client scope "${hasuraScope}" writes ${claim} from another source (${theirs}), on which other clients may depend`,
      advice: `give the service account's user what that mapper reads, or, if no other client needs it, ${right ? 'delete it' : `change it to ${ours}`} under ${place}`,
      isSuspected: true,
    }
  })
  if (!right && obstacles.length > 0) return { steps: [], obstacles }
  const rivals = found.filter(each => !addsToClaim(each, mapper) && !foreign.includes(each))
  // One with the claim's name was made for it, with a wrong client; any but Keycloak's own may be that of another application.
  const isMadeForIt = (each: MapperState) => {
    const source = sourceOf(each)
    const isOfNoApplication = !source || builtInClients.has(source)
    return each.name === claim && each.protocolMapper === mapper.protocolMapper && isOfNoApplication
  }
  const kept = right ?? rivals[0] ?? found.find(each => isMadeForIt(each) && !foreign.includes(each))
  const spare = rivals
    .filter(each => each !== kept)
    .map(({ id, name }) => ({
      action: { kind: 'remove-mapper' as const, scope: hasuraScope, id },
      check,
      found: `mapper "${name}" also writes ${claim}`,
      sentence: `remove mapper "${name}", because another one writes ${claim}`,
      place,
    }))
  if (right) return { steps: spare, obstacles }
  const step = { check, place }
  if (!kept) {
    // Names are unique within a client scope.
    const isTaken = scope?.protocolMappers.some(each => each.name === claim)
    const name = isTaken ? `${claim}${describeSource(mapper)}` : claim
    const written = isTaken ? `the claim "${mapper.config['claim.name']}"` : claim
    const add: Step = {
      ...step,
      action: { kind: 'add-mapper', scope: hasuraScope, mapper: { ...mapper, name } },
      found:
        found.length === 0
          ? `no mapper of client scope "${hasuraScope}" writes ${written}`
          : `the mappers of client scope "${hasuraScope}" write ${claim} from other sources only`,
      sentence: `add mapper ${name} (${ours})`,
    }
    return { steps: [add], obstacles: [] }
  }
  const change: Step = {
    ...step,
    action: { kind: 'change-mapper', scope: hasuraScope, id: kept.id, mapper: { ...mapper, name: kept.name } },
    found: `mapper "${kept.name}" ${describeDifference(kept, mapper)}`,
    sentence: `correct mapper "${kept.name}" (${ours})`,
  }
  return { steps: [...spare, change], obstacles: [] }
}

/** Whether it writes a claim that Hasura can use, in place of the wanted one and from another source. A list must be JSON. */
function isForeign(found: MapperState, wanted: Mapper): boolean {
  const isUsable =
    wanted.config.multivalued !== 'true' || found.config['jsonType.label'] === 'JSON' || isOfGroups(found)
  return isUsable && writesClaim(found, wanted) && !addsToClaim(found, wanted) && hasOtherSource(found, wanted)
}

/** One that writes only into other tokens, such as ID tokens, is in nobody's way. */
function isInAccessToken({ config }: MapperState): boolean {
  return config['access.token.claim'] === 'true'
}

/** Of a hardcoded value, the plan has already decided whether it is right. */
function hasOtherSource(found: MapperState, wanted: Mapper): boolean {
  const source = sourceOf(found)
  // A user has no attribute "id": it was meant to be the property.
  if (source === sourceOf(wanted)) return false
  if (found.protocolMapper !== wanted.protocolMapper) return true
  return Boolean(source) && wanted.config['claim.value'] === undefined
}

/**
 * Those that write the claim, or try to: a common mistake is that dots became levels. One that writes it into another object, such as
 * that of another Hasura's namespace, does so for others.
 */
export function findMappers(scope: ScopeState | undefined, { name, config }: Mapper): readonly MapperState[] {
  const claim = withoutEscapes(config['claim.name'])
  return (scope?.protocolMappers ?? []).filter(mapper => {
    const written = withoutEscapes(mapper.config['claim.name'])
    return written === claim || (mapper.name === name && !written.endsWith(`.${name}`))
  })
}

function withoutEscapes(claim: string | undefined): string {
  return (claim ?? '').replaceAll('\\', '')
}
