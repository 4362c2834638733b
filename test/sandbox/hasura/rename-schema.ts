import {
  type GraphQLArgument,
  GraphQLEnumType,
  type GraphQLField,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  type GraphQLInputField,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import type { RoleSchema } from './build-schema.ts'
import { withOwnName } from './input-hints.ts'
import { namespaceOf, readShownField } from './shown-field.ts'
import { getOrMake } from './type-registry.ts'

type Field = GraphQLField<unknown, unknown>

/**
 * A role's schema by the names of the one that it is shown, without what either lacks: a naming convention, custom root fields and the
 * customization of a source rename fields, types and arguments. Types of rows are called as the tables are.
 */
export function renameSchema({ schema, queries }: Omit<RoleSchema, 'model'>, shown: GraphQLSchema): GraphQLSchema {
  const ownNames = new Map([...queries].map(([name, { kind, table }]) => [`${kind} ${table.table.name}`, name]))
  const types = new RenamedTypes(field => {
    const read = readShownField(field)
    return read && ownNames.get(`${read.kind} ${read.row.name}`)
  })
  const renamed = (root: GraphQLObjectType | null | undefined, own: GraphQLObjectType | null | undefined) =>
    root && own ? types.root(root, own) : undefined
  return new GraphQLSchema({
    query: renamed(shown.getQueryType(), schema.getQueryType()) ?? schema.getQueryType() ?? null,
    subscription: renamed(shown.getSubscriptionType(), schema.getSubscriptionType()) ?? null,
  })
}

/** Types of the shown schema with the hints of their counterparts, each made once. */
class RenamedTypes {
  readonly #objects = new Map<string, GraphQLObjectType>()
  readonly #inputs = new Map<string, GraphQLInputObjectType>()
  readonly #enums = new Map<string, GraphQLEnumType>()
  readonly #ownNameOf: (root: Field) => string | undefined
  constructor(ownNameOf: (root: Field) => string | undefined) {
    this.#ownNameOf = ownNameOf
  }

  /** @returns undefined if it has no field */
  root(shown: GraphQLObjectType, own: GraphQLObjectType, isNamespace = false): GraphQLObjectType | undefined {
    const fields: GraphQLFieldConfigMap<unknown, unknown> = {}
    for (const field of Object.values(shown.getFields())) {
      const counterpart = own.getFields()[this.#ownNameOf(field) ?? '']
      const namespace = isNamespace ? undefined : namespaceOf(field)
      const inner = namespace && this.root(namespace, own, true)
      const config = counterpart ? this.#field(field, counterpart) : inner && { type: inner }
      if (config) fields[field.name] = config
    }
    if (Object.keys(fields).length === 0) return undefined
    return getOrMake(this.#objects, shown.name, () => new GraphQLObjectType({ name: shown.name, fields }))
  }

  /** @returns undefined if it needs an argument that its counterpart lacks */
  #field(shown: Field, own: Field): GraphQLFieldConfig<unknown, unknown> | undefined {
    const args = pair(shown.args, own.args)
    if (shown.args.some(argument => isRequiredArgument(argument) && !args.some(([{ name }]) => name === argument.name)))
      return undefined
    return {
      type: this.#output(shown.type, own.type),
      args: Object.fromEntries(
        args.map(([argument, counterpart]) => [argument.name, this.#position(argument, counterpart)]),
      ),
      extensions: withOwnName(own),
    }
  }

  #position<P extends GraphQLArgument | GraphQLInputField>({ type, defaultValue }: P, own: P) {
    return { type: this.#input(type, own.type), defaultValue, extensions: withOwnName(own) }
  }

  #output(shown: GraphQLOutputType, own: GraphQLOutputType): GraphQLOutputType {
    if (isNonNullType(shown)) return new GraphQLNonNull(this.#output(shown.ofType, own))
    if (isListType(shown)) return new GraphQLList(this.#output(shown.ofType, own))
    const counterpart = getNamedType(own)
    if (isEnumType(shown)) return this.#enum(shown, counterpart)
    if (!(isObjectType(shown) && isObjectType(counterpart))) return shown
    return getOrMake(
      this.#objects,
      shown.name,
      () =>
        new GraphQLObjectType({
          name: shown.name,
          fields: () => {
            const fields: GraphQLFieldConfigMap<unknown, unknown> = {}
            for (const [field, its] of pair(Object.values(shown.getFields()), Object.values(counterpart.getFields()))) {
              const config = this.#field(field, its)
              if (config) fields[field.name] = config
            }
            return fields
          },
        }),
    )
  }

  #input(shown: GraphQLInputType, own: GraphQLInputType): GraphQLInputType {
    if (isNonNullType(shown)) return new GraphQLNonNull(this.#input(shown.ofType, own))
    if (isListType(shown)) return new GraphQLList(this.#input(shown.ofType, own))
    const counterpart = getNamedType(own)
    if (isEnumType(shown)) return this.#enum(shown, counterpart)
    if (!(isInputObjectType(shown) && isInputObjectType(counterpart))) return shown
    return getOrMake(
      this.#inputs,
      shown.name,
      () =>
        new GraphQLInputObjectType({
          name: shown.name,
          fields: () =>
            Object.fromEntries(
              pair(Object.values(shown.getFields()), Object.values(counterpart.getFields())).map(([field, its]) => [
                field.name,
                this.#position(field, its),
              ]),
            ),
        }),
    )
  }

  /** The values of a column stay as they are: to the database they are text. */
  #enum(shown: GraphQLEnumType, own: object): GraphQLEnumType {
    const values = isEnumType(own)
      ? pair(shown.getValues(), own.getValues())
      : shown.getValues().map(value => [value, value] as const)
    return getOrMake(
      this.#enums,
      shown.name,
      () =>
        new GraphQLEnumType({
          name: shown.name,
          values: Object.fromEntries(values.map(([{ name }, its]) => [name, { extensions: withOwnName(its) }])),
        }),
    )
  }
}

/** Each with its counterpart: it has the same name, or the same in another case (`order_by` and `orderBy`, `asc` and `ASC`). */
function pair<T extends { readonly name: string }>(shown: readonly T[], own: readonly T[]): (readonly [T, T])[] {
  const exact = new Map(own.map(each => [each.name, each]))
  const folded = new Map(own.map(each => [fold(each.name), each]))
  return shown.flatMap(each => {
    const counterpart = exact.get(each.name) ?? folded.get(fold(each.name))
    return counterpart ? [[each, counterpart] as const] : []
  })
}

const fold = (name: string) => name.replaceAll('_', '').toLowerCase()
