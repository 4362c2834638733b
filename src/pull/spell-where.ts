import {
  type GraphQLField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
} from 'graphql'
import { z } from 'zod'
import type { Where } from './remote/scan.ts'

/**
 * A filter in the words of the API: `withoutNulls` knows no schema and writes `_is_null`, which is `_isNull` under the naming convention
 * `graphql-default`.
 */
export function spellWhere(where: Where, list: GraphQLField<unknown, unknown>): Where {
  const input = getNamedType(list.args.find(({ name }) => name === 'where')?.type)
  return isInputObjectType(input) ? spellFields(where, input) : where
}

function spellFields(filter: Where, input: GraphQLInputObjectType): Where {
  const fields = input.getFields()
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => {
      const spelled = name === '_is_null' && fields._isNull ? '_isNull' : name
      return [spelled, spellValue(value, fields[spelled]?.type)]
    }),
  )
}

/** A value of a scalar stays as it is, such as JSON that a column must contain. */
function spellValue(value: unknown, type: GraphQLInputType | undefined): unknown {
  const input = getNamedType(type)
  if (!isInputObjectType(input)) return value
  if (Array.isArray(value)) return value.map(each => spellValue(each, input))
  const filter = record.safeParse(value)
  return filter.success ? spellFields(filter.data, input) : value
}

const record = z.record(z.string(), z.unknown())
