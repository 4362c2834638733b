import { mapperTypes } from './hasura-mappers.ts'
import type { MapperState } from './realm-state.ts'
import type { Mapper } from './step.ts'

export function writesClaim({ config }: MapperState, wanted: Mapper): boolean {
  return config['claim.name'] === wanted.config['claim.name']
}

/** Keycloak merges lists that mappers write to the same claim; any other value replaces the former one. */
export function areMerged(one: MapperState, other: MapperState): boolean {
  return [one, other].every(each => each.config.multivalued === 'true' || isOfGroups(each))
}

/** It always writes a list. Keycloak shows it as multivalued only after its first use. */
export function isOfGroups({ protocolMapper }: Pick<Mapper, 'protocolMapper'>): boolean {
  return protocolMapper === 'oidc-group-membership-mapper'
}

/** Whether it adds roles from another source to those that the wanted one writes. Groups aren't meant as roles. */
export function addsToClaim(found: MapperState, wanted: Mapper): boolean {
  const isMerged = [found, wanted].every(({ config }) => config.multivalued === 'true') && !isOfGroups(found)
  return isMerged && writesClaim(found, wanted) && describeSource(found) !== describeSource(wanted)
}

/** The first thing that is wrong with a mapper, to follow its name; undefined if nothing is. */
export function describeDifference(found: MapperState, wanted: Mapper): string | undefined {
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

export function typeOf({ protocolMapper }: Pick<Mapper, 'protocolMapper'>): string {
  return mapperTypes[protocolMapper] ?? protocolMapper
}

export function describeSource(mapper: Pick<Mapper, 'config'>): string {
  const source = sourceOf(mapper)
  return source === undefined ? '' : `: ${source}`
}

export function sourceOf({ config }: Pick<Mapper, 'config'>): string | undefined {
  return sourceKeys.map(key => config[key]).find(value => value !== undefined)
}

const sourceKeys = ['usermodel.clientRoleMapping.clientId', 'claim.value', 'user.attribute']
