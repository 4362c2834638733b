import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { fieldNamesOf } from './find-list.ts'
import type { RowOf } from './row-of.ts'

/** The same result, in a namespace or not, with rows in which these columns are never null. */
type WithoutNulls<R, C extends string> = {
  [Field in keyof R]: R[Field] extends readonly (infer Row)[]
    ? { [Column in keyof Row]: Column extends C ? NonNullable<Row[Column]> : Row[Column] }[]
    : NonNullable<R[Field]> extends object
      ? WithoutNulls<NonNullable<R[Field]>, C>
      : R[Field]
}

/** A document with a filter, to spread into `pullSync`. */
export interface RowsWithoutNulls<R, V, C extends string> {
  readonly document: TypedDocumentNode<WithoutNulls<R, C>, V>
  readonly where: V extends { where: infer W } ? W : never
}

/**
 * Excludes rows in which one of these columns is null. For a key or cursor whose columns the API calls nullable, as all columns of a view.
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
  const where: unknown = Object.fromEntries(fieldNamesOf(document, columns).map(field => [field, { _is_null: false }]))
  // The filter makes the narrower row type true.
  return { document, where } as RowsWithoutNulls<R, V, C[number]>
}
