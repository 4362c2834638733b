import { type GraphQLField, type GraphQLFieldMap, type GraphQLSchema, getNullableType, isObjectType } from 'graphql'
import { NotFoundError, UsageError } from '../errors.ts'
import { findRow } from '../hasura/find-list.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import { listNames } from '../names/list-names.ts'
import { findNearNames } from '../names/near-names.ts'

export type Field = GraphQLField<unknown, unknown>
export type Fields = GraphQLFieldMap<unknown, unknown>

/** A field and its place: `users`, or `north.users` when the source's root fields are in a namespace. */
export interface Located {
  readonly place: string
  readonly field: Field
  /** The fields on the same level. */
  readonly siblings: Fields
}

/** @throws NotFoundError, UsageError with similar names */
export function findRootField(place: string, { role, schema }: RoleSchema): Located {
  const located = locate(schema)
  const found = located.find(candidate => candidate.place === place)
  if (found) return found
  if (located.some(({ field }) => field.name === 'no_queries_available')) {
    throw new NotFoundError({
      found: `Role "${role}" may not read anything from this API`,
      remedy: 'give it a select permission in Hasura, or choose another role with --role',
    })
  }
  if (schema.getMutationType()?.getFields()[place]) {
    throw new UsageError({ found: `"${place}" is a mutation`, remedy: 'name a list of rows' })
  }
  throw new NotFoundError({
    found: `Role "${role}" sees no root field "${place}"`,
    remedy: `${adviseList(place, schema)}, or another role with --role`,
  })
}

/** Finds what looks like a table: places of lists that can be filtered. */
export function findLists(schema: GraphQLSchema): readonly string[] {
  return locate(schema)
    .filter(({ field }) => findRow(field) && field.args.some(({ name }) => name === 'where'))
    .map(({ place }) => place)
}

/** Suggests a list that can be pulled. */
export function adviseList(wanted: string, schema: GraphQLSchema): string {
  const lists = findLists(schema)
  if (lists.length === 0) return 'name a list of rows; this role sees none'
  // The namespace is easily left out.
  const near = findNearNames(wanted, lists)
  const meant = near.length > 0 ? near : lists.filter(place => place.endsWith(`.${wanted}`))
  return meant.length > 0 ? `name a similar list (${meant.join(', ')})` : `name one of the lists (${listNames(lists)})`
}

/** The root fields, and those in namespaces: only the lack of arguments distinguishes a namespace from other objects. */
function locate(schema: GraphQLSchema): readonly Located[] {
  const siblings = schema.getQueryType()?.getFields() ?? {}
  return Object.values(siblings).flatMap(field => {
    const type = getNullableType(field.type)
    const inside = isObjectType(type) && field.args.length === 0 ? type.getFields() : {}
    return [
      { place: field.name, field, siblings },
      ...Object.values(inside).map(inner => ({ place: `${field.name}.${inner.name}`, field: inner, siblings: inside })),
    ]
  })
}
