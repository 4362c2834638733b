import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type DocumentNode, Kind } from 'graphql'
import { findPath } from './find-list.ts'
import type { RowOf } from './row-of.ts'

/** The same answer, in a namespace or not, with rows in which these columns are never null. */
type WithoutNulls<R, C extends string> = {
  [Field in keyof R]: R[Field] extends readonly (infer Row)[]
    ? { [Column in keyof Row]: Column extends C ? NonNullable<Row[Column]> : Row[Column] }[]
    : NonNullable<R[Field]> extends object
      ? WithoutNulls<NonNullable<R[Field]>, C>
      : R[Field]
}

/** The rows that a pull reads, and only those. */
export interface RowsWithoutNulls<R, V, C extends string> {
  readonly document: TypedDocumentNode<WithoutNulls<R, C>, V>
  readonly where: V extends { where: infer W } ? W : never
}

/**
 * For a key whose columns the API calls nullable, as it does with every column of a view: leaves out the rows in which one of
 * them is null, so that in the others none is.
 *
 * @example
 * import { pullSync, withoutNulls } from 'hasura-sync-worker'
 * import { PullArticlesDocument } from '../generated/graphql.ts'
 *
 * export const syncPublished = pullSync({
 *   name: 'sync-published',
 *   ...withoutNulls(PullArticlesDocument, 'published_at'),
 *   role: 'viewer',
 *   key: 'id',
 *   cursor: 'published_at',
 *   into: 'published',
 * })
 */
export function withoutNulls<R, V, const C extends readonly (keyof RowOf<R> & string)[]>(
  document: TypedDocumentNode<R, V>,
  ...columns: C
): RowsWithoutNulls<R, V, C[number]> {
  const fieldOf = fieldsOf(document)
  const where: unknown = Object.fromEntries(columns.map(column => [fieldOf.get(column) ?? column, { _is_null: false }]))
  // A document's types are names for what its answers hold, and the filter is what makes them right.
  return { document, where } as RowsWithoutNulls<R, V, C[number]>
}

/** The names that the API filters by, by those that the document gives to the columns of its list. */
function fieldsOf(document: DocumentNode): ReadonlyMap<string, string> {
  const selected = findPath(document)?.at(-1)?.selectionSet?.selections ?? []
  return new Map(
    selected.flatMap(field =>
      field.kind === Kind.FIELD && field.alias ? [[field.alias.value, field.name.value]] : [],
    ),
  )
}
