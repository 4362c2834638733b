import { type GraphQLField, getNamedType, isEnumType, isInputObjectType } from 'graphql'
import type { NamingConvention } from './scalars.ts'

/**
 * How the API names the types of a list, by its arguments: `graphql-default` writes the directions of an order in capitals, and the inputs
 * of other databases than Postgres have names such as `Int_MSSQL_comparison_exp`. Those of a data connector have its name, as the directions
 * have (`snowflake_order_by`); behind another prefix they are a remote schema's.
 */
export function readNaming(list: GraphQLField<unknown, unknown>): NamingConvention {
  const naming = known.get(list) ?? look(list)
  known.set(list, naming)
  return naming
}

/** Cached: it is read for each column, and each read visits every column. */
const known = new WeakMap<GraphQLField<unknown, unknown>, NamingConvention>()

function look(list: GraphQLField<unknown, unknown>): NamingConvention {
  const types = list.args.flatMap(argument => {
    const input = getNamedType(argument.type)
    return isInputObjectType(input) ? Object.values(input.getFields()).map(each => getNamedType(each.type)) : []
  })
  if (types.some(type => isEnumType(type) && type.getValue('ASC') && !type.getValue('asc'))) return 'graphql-default'
  if (types.some(({ name }) => name.includes('_MSSQL_comparison_exp'))) return 'mssql'
  if (types.some(({ name }) => name.includes('_BigQuery_comparison_exp'))) return 'bigquery'
  const connector = types.filter(isEnumType).flatMap(({ name }) => /^(.+)_order_by$/.exec(name)?.[1] ?? [])[0]
  const isConnector = connector && types.some(({ name }) => name.endsWith(`_${connector}_comparison_exp`))
  if (!isConnector) return 'hasura-default'
  return connector === 'mongodb' ? 'mongodb' : 'data-connector'
}
