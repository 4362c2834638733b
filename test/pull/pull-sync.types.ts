/**
 * Checked by the compiler alone (`npm run types`): each mistake must be refused where the job is written. An expectation that
 * no longer fails is an error itself.
 */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { withoutNulls } from '../../src/hasura/without-nulls.ts'
import { mirrorRows } from '../../src/mirror/mirror-rows.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'

const right = { name: 'x', document: pullArticlesDocument, role: 'viewer', into: 'x' } as const

pullSync({ ...right, key: 'id', cursor: 'updated_at' })
pullSync({ ...right, key: ['topic_id', 'id'], cursor: 'updated_at' })

// @ts-expect-error a key that isn't selected
pullSync({ ...right, key: 'slug', cursor: 'updated_at' })

// @ts-expect-error one of several keys that isn't selected
pullSync({ ...right, key: ['id', 'slug'], cursor: 'updated_at' })

// @ts-expect-error a cursor that isn't selected
pullSync({ ...right, key: 'id', cursor: 'modified_at' })

// @ts-expect-error a cursor that can be null: rows without one would never be seen
pullSync({ ...right, key: 'id', cursor: 'published_at' })

// @ts-expect-error a key that can be null
pullSync({ ...right, key: 'author_id', cursor: 'updated_at' })

pullSync({ ...right, key: 'id', softDelete: 'published_at' })
pullSync({ ...right, key: 'id', softDelete: { column: 'status', isDeleted: status => status.startsWith('x') } })

// @ts-expect-error the rule of a column that can be null is asked about null
pullSync({ ...right, key: 'id', softDelete: { column: 'published_at', isDeleted: at => at.startsWith('9999') } })

// @ts-expect-error a nested object of which nobody knows what says that a row is deleted
pullSync({ ...right, key: 'id', softDelete: 'author' })

// @ts-expect-error a soft-delete column that isn't selected
pullSync({ ...right, key: 'id', softDelete: { column: 'gone', isDeleted: () => true } })

declare const withoutPaging: TypedDocumentNode<{ articles: { id: string; updated_at: string }[] }, { limit: number }>

// @ts-expect-error an operation without the variables that paging needs
pullSync({ ...right, document: withoutPaging, key: 'id', cursor: 'updated_at' })

declare const namespaced: TypedDocumentNode<
  { north: { articles: { id: string; updated_at: string; title: string | null }[] } | null },
  { where: unknown; order_by: unknown; limit: number }
>

pullSync({ ...right, document: namespaced, key: 'id', cursor: 'updated_at' })

// @ts-expect-error a cursor that can be null, of a list in a namespace
pullSync({ ...right, document: namespaced, key: 'id', cursor: 'title' })

pullSync({ ...right, ...withoutNulls(namespaced, 'title'), key: 'title', cursor: 'updated_at' })

// @ts-expect-error a column that is named like the mirror's own
mirrorRows({ into: 'things', key: 'id', columns: { id: 'uuid', _change: 'bigint' } })

declare const withAuthor: TypedDocumentNode<
  { articles: { id: string; updated_at: string; author: { username: string } | null }[] },
  { where: object; order_by: object[]; limit: number }
>
const flattened = pullSync({ ...right, document: withAuthor, key: 'id', cursor: 'updated_at', flatten: ['author'] })
type FlattenedRow = NonNullable<typeof flattened.mirror.row>

export const row: FlattenedRow = { id: 'x', updated_at: 'x', author_username: null }

// @ts-expect-error the object itself is no column
export const nested: FlattenedRow = { id: 'x', updated_at: 'x', author: { username: 'x' } }
