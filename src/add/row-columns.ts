import { type GraphQLField, getNamedType, getNullableType, isLeafType, isListType, isNonNullType } from 'graphql'
import type { SelectedList } from '../hasura/find-list.ts'
import { readNaming } from '../hasura/read-naming.ts'
import { comparedAs } from '../hasura/scalars.ts'
import { findFreeColumnName } from '../mirror/column-name.ts'
import { findOrderProblem } from '../pull/find-order-problem.ts'

/** A field of the row type that becomes a column of the mirror. */
export interface RowColumn {
  readonly name: string
  /** Its name in the mirror; differs when the mirror or Postgres reserves the API's name. */
  readonly mirrorName: string
  /** As GraphQL writes it: `timestamptz!`. */
  readonly type: string
  readonly nullable: boolean
  /** The Postgres type by which its values are compared. */
  readonly comparedAs: string
  /** Why it can't be in the key, or be the cursor, in the words of a run. */
  readonly problem: { readonly key: string | undefined; readonly cursor: string | undefined }
}

/** The columns of a row, without nested objects and computed fields with arguments. */
export function readRowColumns(list: Pick<SelectedList, 'field' | 'row'>): readonly RowColumn[] {
  const fields = Object.values(list.row.getFields()).filter(
    field => isLeafType(getNamedType(field.type)) && !isComputed(field),
  )
  const naming = readNaming(list.field)
  const taken = new Set(fields.map(({ name }) => name))
  return fields.map(({ name, type }) => {
    const mirrorName = findFreeColumnName(name, taken)
    taken.add(mirrorName)
    return {
      name,
      mirrorName,
      type: String(type),
      nullable: !isNonNullType(type),
      comparedAs: isListType(getNullableType(type)) ? 'jsonb' : comparedAs(getNamedType(type).name, naming),
      problem: { key: findOrderProblem(list, name, 'key'), cursor: findOrderProblem(list, name, 'cursor') },
    }
  })
}

/** A json column has an optional argument `path`. */
function isComputed({ args }: GraphQLField<unknown, unknown>): boolean {
  return args.some(({ name, type }) => name !== 'path' || isNonNullType(type))
}
