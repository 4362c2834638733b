import {
  GraphQLEnumType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql'
import { toPlain } from './lossless-json.ts'
import type { Input } from './parse-input.ts'
import type { SelectedField } from './parse-selection.ts'

/** Answers `__schema` and `__type`. graphql-js knows how to resolve each field; the selection is already parsed. */
export function introspect(field: SelectedField, schema: GraphQLSchema): unknown {
  return resolveField(field, undefined, schema)
}

function resolveField(field: SelectedField, source: unknown, schema: GraphQLSchema): unknown {
  if (field.definition === undefined) return field.parent.name
  const { resolve, type, args: definitions } = field.definition
  if (resolve === undefined) throw new Error(`introspection doesn't know ${field.name}`)
  const args = Object.fromEntries(
    definitions.map(({ name, defaultValue }) => {
      const given = field.args.get(name)
      return [name, given === undefined ? defaultValue : plain(given)]
    }),
  )
  const info = { schema, fieldName: field.name, returnType: type, parentType: field.parent }
  // The introspection resolvers read nothing but `schema` of this.
  const value: unknown = Reflect.apply(resolve, undefined, [source, args, undefined, info])
  return complete(value, type, field, schema)
}

function complete(value: unknown, type: GraphQLOutputType, field: SelectedField, schema: GraphQLSchema): unknown {
  if (type instanceof GraphQLNonNull) return complete(value, type.ofType, field, schema)
  if (value === null || value === undefined) return null
  if (type instanceof GraphQLList) {
    if (!Array.isArray(value)) throw new Error(`${field.name} is not a list`)
    return value.map(item => complete(item, type.ofType, field, schema))
  }
  if (type instanceof GraphQLObjectType) {
    return Object.fromEntries(field.fields.map(part => [part.responseName, resolveField(part, value, schema)]))
  }
  return type instanceof GraphQLEnumType ? type.serialize(value) : value
}

const plain = (input: Input): unknown => (input.kind === 'scalar' ? toPlain(input.json) : null)
