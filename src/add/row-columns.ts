import { type GraphQLField, type GraphQLObjectType, getNamedType, isLeafType, isListType, isNonNullType } from 'graphql'
import { columnTypeOf } from '../hasura/scalars.ts'

/** A field of the row type that becomes a column of the mirror. */
export interface RowColumn {
  readonly name: string
  /** As GraphQL writes it: `timestamptz!`. */
  readonly type: string
  readonly nullable: boolean
  /** The Postgres type in which it is mirrored. */
  readonly mirrorType: string
}

export interface RowColumns {
  readonly columns: readonly RowColumn[]
  /** Fields that look like columns and can't be mirrored under their own name. */
  readonly leftOut: readonly string[]
}

/** The columns of a row, without what is nested in it and without computed fields that take arguments. */
export function readRowColumns(row: GraphQLObjectType): RowColumns {
  const fields = Object.values(row.getFields()).filter(
    field => isLeafType(getNamedType(field.type)) && !isComputed(field),
  )
  return {
    columns: fields.filter(({ name }) => canBeMirrored(name)).map(describe),
    leftOut: fields.map(({ name }) => name).filter(name => !canBeMirrored(name)),
  }
}

/** A json column takes the `path` of a part of it, and may be asked for without. */
function isComputed({ args }: GraphQLField<unknown, unknown>): boolean {
  return args.some(({ name, type }) => name !== 'path' || isNonNullType(type))
}

/** Postgres cuts longer names off; the other three are the mirror's own. */
function canBeMirrored(name: string): boolean {
  return name.length <= 63 && !['_account', '_synced_at', '_deleted_at'].includes(name)
}

function describe({ name, type }: GraphQLField<unknown, unknown>): RowColumn {
  const nullable = !isNonNullType(type)
  const isList = isListType(nullable ? type : type.ofType)
  return { name, type: String(type), nullable, mirrorType: isList ? 'jsonb' : columnTypeOf(getNamedType(type).name) }
}
