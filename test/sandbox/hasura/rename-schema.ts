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
import { Counterparts, isSameName, pair } from './counterparts.ts'
import { withOwnName } from './input-hints.ts'
import type { TypeNames } from './metadata-schema.ts'
import type { RootFields } from './root-field.ts'
import { namespaceOf, readShownMutation, readShownQuery, type ShownField } from './shown-field.ts'
import { getOrMake } from './type-registry.ts'

type Field = GraphQLField<unknown, unknown>
type Root = GraphQLObjectType | null | undefined
type FindOwn = (shown: Field) => Field | undefined

/**
 * A role's schema by the names of the one that it is shown, without what either lacks: a naming convention, custom root fields and the
 * customization of a source rename fields, types and arguments.
 */
export function renameSchema({ model, schema, queries, mutations }: RoleSchema, shown: GraphQLSchema): GraphQLSchema {
  const finder = (own: GraphQLObjectType, actions: RootFields['actions'], read: typeof readShownQuery): FindOwn => {
    const served = [...actions].flatMap(([name, { kind, table }]) => {
      const field = own.getFields()[name]
      return field ? [{ field, reads: nameOf(kind, table.table.name, model.typeNames) }] : []
    })
    const byName = new Counterparts(served.map(({ field }) => [field.name, field]))
    const byTable = new Counterparts(served.map(({ field, reads }) => [reads, field]))
    return field => {
      const reads = describe(read(field))
      const same = byName.find(field.name)
      return same && isSameName(describe(read(same), model.typeNames), reads) ? same : byTable.find(reads)
    }
  }
  const types = new RenamedTypes()
  const rename = (of: Root, own: Root, actions: RootFields['actions'], read: typeof readShownQuery) =>
    of && own ? types.root(of, finder(own, actions, read)) : undefined
  return new GraphQLSchema({
    query: rename(shown.getQueryType(), schema.getQueryType(), queries, readShownQuery) ?? schema.getQueryType(),
    mutation: rename(shown.getMutationType(), schema.getMutationType(), mutations, readShownMutation),
    subscription: rename(shown.getSubscriptionType(), schema.getSubscriptionType(), queries, readShownQuery),
  })
}

/** @param typeNames what is shown around the name */
function nameOf(kind: string, row: string, { prefix, suffix }: TypeNames = { prefix: '', suffix: '' }): string {
  return `${kind} ${prefix}${row}${suffix}`
}

function describe(field: ShownField | undefined, typeNames?: TypeNames): string {
  return field ? nameOf(field.kind, field.row.name, typeNames) : ''
}

/** Types of the shown schema with the hints of their counterparts, each made once. */
class RenamedTypes {
  readonly #objects = new Map<string, GraphQLObjectType>()
  readonly #inputs = new Map<string, GraphQLInputObjectType>()
  readonly #enums = new Map<string, GraphQLEnumType>()

  /** @returns undefined if it has no field */
  root(shown: GraphQLObjectType, findOwn: FindOwn, isNamespace = false): GraphQLObjectType | undefined {
    const fields: GraphQLFieldConfigMap<unknown, unknown> = {}
    for (const field of Object.values(shown.getFields())) {
      const own = findOwn(field)
      const namespace = isNamespace ? undefined : namespaceOf(field)
      const inner = namespace && this.root(namespace, findOwn, true)
      const config = own ? this.#field(field, own) : inner && { type: inner }
      if (config) fields[field.name] = config
    }
    if (Object.keys(fields).length === 0) return undefined
    return getOrMake(this.#objects, shown.name, () => new GraphQLObjectType({ name: shown.name, fields }))
  }

  /** @returns undefined if it is something else, or needs an argument that its counterpart lacks */
  #field(shown: Field, own: Field): GraphQLFieldConfig<unknown, unknown> | undefined {
    if (isObjectType(getNamedType(shown.type)) !== isObjectType(getNamedType(own.type))) return undefined
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
