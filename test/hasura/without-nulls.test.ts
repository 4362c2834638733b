import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { expect, expectTypeOf, test } from 'vitest'
import { withoutNulls } from '../../src/hasura/without-nulls.ts'
import type { PullOptions } from '../../src/pull/pull-options.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'

interface Row {
  id: string | null
  part?: number | null
  note: string | null
}
interface Variables {
  where: { id?: unknown; part?: unknown }
  order_by: object[]
  limit: number
}
const document: TypedDocumentNode<{ things: Row[] }, Variables> = parse('query Things { things { id part note } }')

test('asks for the rows in which none of the columns is null', () => {
  const rows = withoutNulls(document, 'id', 'part')
  expect(rows).toEqual({ document, where: { id: { _is_null: false }, part: { _is_null: false } } })
  expectTypeOf(rows.where).toEqualTypeOf<Variables['where']>()
})

test('asks by the API’s name of a column that the document renames', () => {
  const renamed: typeof document = parse('query Things { things { id: _id part note } }')
  expect(withoutNulls(renamed, 'id', 'part').where).toEqual({ _id: { _is_null: false }, part: { _is_null: false } })
})

test('makes a key of them, and of no other', () => {
  type KeyOf<D> = D extends TypedDocumentNode<infer R, infer V> ? PullOptions<R, V>['key'] : never
  const rows = withoutNulls(document, 'id')
  expectTypeOf<KeyOf<typeof rows.document>>().toEqualTypeOf<'id' | readonly 'id'[]>()
  expectTypeOf<KeyOf<typeof document>>().toEqualTypeOf<readonly never[]>()
  const job = pullSync({ name: 'sync-things', ...rows, role: 'viewer', key: 'id', into: 'things' })
  expect(job).toMatchObject({ name: 'sync-things', operations: [document] })
})
