import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  getNamedType,
  isInputObjectType,
} from 'graphql'
import { PermanentError } from '../errors.ts'
import type { Where } from './remote/scan.ts'
import { type FilterOwner, record, requireFilter } from './require-filter.ts'

/**
 * What a pull's `where` gave, in the words of the API: `withoutNulls` knows no schema and writes `_is_null`, which is `_isNull` under the
 * naming convention `graphql-default`.
 *
 * @throws PermanentError (`where`) if it isn't a filter, or could match more rows than was meant
 */
export function spellWhere(given: unknown, list: GraphQLField<unknown, unknown>, owner: FilterOwner): Where {
  const type = list.args.find(({ name }) => name === 'where')?.type
  return spellFields(requireFilter(given, owner), getNamedType(type), owner)
}

function spellFields(filter: Where, input: GraphQLNamedType | undefined, owner: FilterOwner): Where {
  const fields = isInputObjectType(input) ? input.getFields() : {}
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => {
      const spelled = name === '_is_null' && fields._isNull ? '_isNull' : name
      return [spelled, spellValue(name, value, fields[spelled]?.type, owner)]
    }),
  )
}

/** A value of a scalar stays as it is, such as JSON that a column must contain. */
function spellValue(name: string, value: unknown, type: GraphQLInputType | undefined, owner: FilterOwner): unknown {
  if (value === null) throw nullAt(name, owner)
  const input = getNamedType(type)
  if (input && !isInputObjectType(input)) return value
  if (Array.isArray(value)) return value.map(each => spellValue(name, each, type, owner))
  const filter = record.safeParse(value)
  return filter.success ? spellFields(filter.data, input, owner) : value
}

/** Hasura 1, and later ones with V1_BOOLEAN_NULL_COLLAPSE, take it for a condition that every row meets; others refuse it. */
function nullAt(name: string, { job, account }: FilterOwner): PermanentError {
  return new PermanentError('where', {
    found: `The "where" of ${job} has null at "${name}" for account "${account}", and could match every row`,
    remedy: 'write "_is_null": true for rows without a value, or "_in": [] for no rows',
  })
}
