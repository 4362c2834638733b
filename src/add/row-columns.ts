import { type GraphQLField, type GraphQLObjectType, getNamedType, isLeafType, isListType, isNonNullType } from 'graphql'
import { columnTypeOf } from '../hasura/scalars.ts'

/** A field of the row type that becomes a column of the mirror. */
export interface RowColumn {
  readonly name: string
  /** Its name in the mirror, where names that begin with an underscore are the mirror's own. */
  readonly mirrorName: string
  /** As GraphQL writes it: `timestamptz!`. */
  readonly type: string
  readonly nullable: boolean
  /** The Postgres type in which it is mirrored. */
  readonly mirrorType: string
}

export interface RowColumns {
  readonly columns: readonly RowColumn[]
  /** Fields whose names Postgres would cut off. */
  readonly leftOut: readonly string[]
}

/** The columns of a row, without what is nested in it and without computed fields that take arguments. */
export function readRowColumns(row: GraphQLObjectType): RowColumns {
  const fields = Object.values(row.getFields()).filter(
    field => isLeafType(getNamedType(field.type)) && !isComputed(field),
  )
  const isTooLong = ({ name }: { readonly name: string }): boolean => name.length > 63
  const taken = new Set(fields.map(({ name }) => name))
  return {
    columns: fields.filter(field => !isTooLong(field)).map(field => describe(field, taken)),
    leftOut: fields.filter(isTooLong).map(({ name }) => name),
  }
}

/** A json column takes the `path` of a part of it, and may be asked for without. */
function isComputed({ args }: GraphQLField<unknown, unknown>): boolean {
  return args.some(({ name, type }) => name !== 'path' || isNonNullType(type))
}

function describe({ name, type }: GraphQLField<unknown, unknown>, taken: ReadonlySet<string>): RowColumn {
  const nullable = !isNonNullType(type)
  const isList = isListType(nullable ? type : type.ofType)
  return {
    name,
    mirrorName: name.startsWith('_') ? `column${taken.has(`column${name}`) ? '_' : ''}${name}` : name,
    type: String(type),
    nullable,
    mirrorType: isList ? 'jsonb' : columnTypeOf(getNamedType(type).name),
  }
}
