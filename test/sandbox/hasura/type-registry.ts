import {
  GraphQLBoolean,
  GraphQLEnumType,
  type GraphQLEnumValueConfigMap,
  type GraphQLFieldConfigMap,
  GraphQLFloat,
  type GraphQLInputFieldConfigMap,
  GraphQLInputObjectType,
  GraphQLInt,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLString,
} from 'graphql'

/** The named types of one role's schema: each is made once, on first use, so that types may refer to each other. */
export class TypeRegistry {
  readonly #objects = new Map<string, GraphQLObjectType>()
  readonly #inputs = new Map<string, GraphQLInputObjectType>()
  readonly #enums = new Map<string, GraphQLEnumType>()
  readonly #scalars = new Map<string, GraphQLScalarType>()

  object(name: string, description: string, fields: () => GraphQLFieldConfigMap<unknown, unknown>): GraphQLObjectType {
    return getOrMake(this.#objects, name, () => new GraphQLObjectType({ name, description, fields }))
  }

  input(name: string, description: string, fields: () => GraphQLInputFieldConfigMap): GraphQLInputObjectType {
    return getOrMake(this.#inputs, name, () => new GraphQLInputObjectType({ name, description, fields }))
  }

  enum(name: string, description: string, values: GraphQLEnumValueConfigMap): GraphQLEnumType {
    return getOrMake(this.#enums, name, () => new GraphQLEnumType({ name, description, values }))
  }

  /** The GraphQL scalar of a Postgres type: some have GraphQL's own, the rest are called as in Hasura. */
  scalar(postgresType: string): GraphQLScalarType {
    const builtIn = builtInScalars[postgresType]
    if (builtIn !== undefined) return builtIn
    const name = scalarNames[postgresType] ?? postgresType
    return getOrMake(this.#scalars, name, () => new GraphQLScalarType({ name }))
  }
}

const builtInScalars: Readonly<Record<string, GraphQLScalarType>> = {
  int4: GraphQLInt,
  bool: GraphQLBoolean,
  float4: GraphQLFloat,
  text: GraphQLString,
  varchar: GraphQLString,
}

const scalarNames: Readonly<Record<string, string>> = { int8: 'bigint', int2: 'smallint' }

export function getOrMake<T>(map: Map<string, T>, name: string, make: () => T): T {
  const existing = map.get(name)
  if (existing !== undefined) return existing
  const made = make()
  map.set(name, made)
  return made
}
