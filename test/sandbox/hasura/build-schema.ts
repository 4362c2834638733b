import { GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql'
import { mutationFields } from './mutation-fields.ts'
import { queryFields } from './query-fields.ts'
import { renameSchema } from './rename-schema.ts'
import type { RoleModel } from './role-model.ts'
import type { RootField, RootFields } from './root-field.ts'
import { subscriptionFields } from './subscription-fields.ts'
import { TypeRegistry } from './type-registry.ts'

/** One role's schema, and the implementation of its root fields. */
export interface RoleSchema {
  readonly model: RoleModel
  readonly schema: GraphQLSchema
  readonly queries: ReadonlyMap<string, RootField>
  readonly mutations: ReadonlyMap<string, RootField>
}

export function buildSchema(model: RoleModel): RoleSchema {
  const types = new TypeRegistry()
  const queries = queryFields(types, model)
  const mutations = mutationFields(types, model)
  const empty = {
    no_queries_available: { type: GraphQLString, description: 'There are no queries available to the current role.' },
  }
  const hasQueries = queries.actions.size > 0
  const query = new GraphQLObjectType({ name: 'query_root', fields: hasQueries ? queryRoot(model, queries) : empty })
  const mutation =
    mutations.actions.size === 0
      ? undefined
      : new GraphQLObjectType({ name: 'mutation_root', description: 'mutation root', fields: mutations.configs })
  const subscription = hasQueries
    ? new GraphQLObjectType({ name: 'subscription_root', fields: subscriptionFields(types, model) })
    : undefined
  const schema = new GraphQLSchema({ query, mutation: mutation ?? null, subscription: subscription ?? null })
  const own = { model, schema, queries: queries.actions, mutations: mutations.actions }
  return model.shown ? { ...own, schema: renameSchema(own, model.shown) } : own
}

function queryRoot({ rootNamespace }: RoleModel, { configs }: RootFields): RootFields['configs'] {
  if (rootNamespace === undefined) return configs
  const type = new GraphQLObjectType({ name: `${rootNamespace}_query`, fields: configs })
  return { [rootNamespace]: { type } }
}
