import { type GraphQLField, getNamedType, isEnumType, isInputObjectType } from 'graphql'
import type { NamingConvention } from './scalars.ts'

/** The API's naming convention, by a list's arguments: `graphql-default` writes the directions of an order in capitals. */
export function readNaming(list: GraphQLField<unknown, unknown>): NamingConvention {
  const naming = known.get(list) ?? look(list)
  known.set(list, naming)
  return naming
}

/** Cached: it is read for each column, and each read visits every column. */
const known = new WeakMap<GraphQLField<unknown, unknown>, NamingConvention>()

function look(list: GraphQLField<unknown, unknown>): NamingConvention {
  const enums = list.args.flatMap(argument => {
    const input = getNamedType(argument.type)
    return isInputObjectType(input) ? Object.values(input.getFields()).map(each => getNamedType(each.type)) : []
  })
  const isInCapitals = enums.some(type => isEnumType(type) && type.getValue('ASC') && !type.getValue('asc'))
  return isInCapitals ? 'graphql-default' : 'hasura-default'
}
