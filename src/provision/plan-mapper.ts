import { mapperTypes, type WantedMapper } from './hasura-mappers.ts'
import { hasuraScope } from './provision-target.ts'
import type { MapperState, ScopeState } from './realm-state.ts'
import type { Mapper, Step } from './step.ts'

/**
 * Makes one mapper, of those that a client scope has, write the claim as wanted; the others that write it are removed. Those that
 * add values from another source stay, because others of the realm may depend on them.
 */
export function planMapper(scope: ScopeState | undefined, wanted: WantedMapper, place: string): readonly Step[] {
  const { check, ...mapper } = wanted
  const claim = mapper.name
  const type = typeOf(mapper)
  const found = findMappers(scope, mapper)
  const right = found.find(each => describeDifference(each, mapper) === undefined)
  const rivals = found.filter(each => !addsToClaim(each, mapper))
  // One with the claim's name was made for it, with a wrong source.
  const kept = right ?? rivals[0] ?? found.find(({ name }) => name === claim)
  const spare = rivals
    .filter(each => each !== kept)
    .map(({ id, name }) => ({
      action: { kind: 'remove-mapper' as const, scope: hasuraScope, id },
      check,
      found: `mapper "${name}" also writes ${claim}`,
      sentence: `remove mapper "${name}", because another one writes ${claim}`,
      place,
    }))
  if (right) return spare
  const step = { check, place }
  if (!kept) {
    return [
      {
        ...step,
        action: { kind: 'add-mapper', scope: hasuraScope, mapper },
        found:
          found.length === 0
            ? `no mapper of client scope "${hasuraScope}" writes ${claim}`
            : `the mappers of client scope "${hasuraScope}" write ${claim} from other sources only`,
        sentence: `add mapper ${claim} (${type}${describeSource(mapper)})`,
      },
    ]
  }
  return [
    ...spare,
    {
      ...step,
      action: { kind: 'change-mapper', scope: hasuraScope, id: kept.id, mapper: { ...mapper, name: kept.name } },
      found: `mapper "${kept.name}" ${describeDifference(kept, mapper)}`,
      sentence: `correct mapper "${kept.name}" (${type}${describeSource(mapper)})`,
    },
  ]
}

/** Keycloak merges what multivalued mappers write to the same claim; any other mapper replaces it. */
function addsToClaim(found: MapperState, wanted: Mapper): boolean {
  const isMerged = [found, wanted].every(({ config }) => config.multivalued === 'true')
  return (
    isMerged &&
    found.config['claim.name'] === wanted.config['claim.name'] &&
    describeSource(found) !== describeSource(wanted)
  )
}

/** The mapper that writes the claim, or tries to: a common mistake is that dots became levels. */
export function findMappers(scope: ScopeState | undefined, { name, config }: Mapper): readonly MapperState[] {
  const claim = withoutEscapes(config['claim.name'])
  return (scope?.protocolMappers ?? []).filter(
    mapper => mapper.name === name || withoutEscapes(mapper.config['claim.name']) === claim,
  )
}

function withoutEscapes(claim: string | undefined): string {
  return (claim ?? '').replaceAll('\\', '')
}

function typeOf({ protocolMapper }: Pick<Mapper, 'protocolMapper'>): string {
  return mapperTypes[protocolMapper] ?? protocolMapper
}

function describeSource({ config }: Pick<Mapper, 'config'>): string {
  const source = sourceKeys.map(key => config[key]).find(value => value !== undefined)
  return source === undefined ? '' : `: ${source}`
}

const sourceKeys = ['usermodel.clientRoleMapping.clientId', 'claim.value', 'user.attribute']

/** The first thing that is wrong with a mapper, to follow its name; undefined if nothing is. */
function describeDifference(found: MapperState, wanted: Mapper): string | undefined {
  if (found.protocolMapper !== wanted.protocolMapper) return `is a ${typeOf(found)}, not a ${typeOf(wanted)}`
  const key = Object.keys(wanted.config).find(name => found.config[name] !== wanted.config[name])
  if (key !== undefined) {
    const value = found.config[key]
    if (key === 'lightweight.claim') return 'writes nothing into lightweight access tokens'
    return `${meanings[key] ?? `has ${key}`} ${value ? `"${value}"` : 'nothing'} instead of "${wanted.config[key]}"`
  }
  const prefix = found.config['usermodel.clientRoleMapping.rolePrefix']
  return prefix ? `puts "${prefix}" before each role` : undefined
}

const meanings: Readonly<Record<string, string>> = {
  'usermodel.clientRoleMapping.clientId': 'reads the roles of client',
  'claim.value': 'writes',
  'claim.name': 'writes the claim',
  'user.attribute': 'reads',
  'jsonType.label': 'has the claim type',
  multivalued: 'has Multivalued',
  'access.token.claim': 'has Add to access token',
}
