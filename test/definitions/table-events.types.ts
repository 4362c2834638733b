/** Checked by the compiler alone: a table that the document doesn't read must be refused where the job is written. */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { tableEvents } from '../../src/definitions/table-events.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'

const pull = { name: 'x', document: pullArticlesDocument, role: 'viewer', key: 'id', into: 'x' } as const

pullSync({ ...pull, on: { table: 'articles' } })
pullSync({ ...pull, on: { table: 'articles', operations: ['INSERT', 'DELETE'] } })
pullSync({ ...pull, on: { table: { schema: 'wiki', name: 'article' } } })

// @ts-expect-error a table that the document doesn't read
pullSync({ ...pull, on: { table: 'article' } })

// @ts-expect-error an operation that Hasura doesn't know
pullSync({ ...pull, on: { table: 'articles', operations: ['insert'] } })

// @ts-expect-error half a name
pullSync({ ...pull, on: { table: { name: 'articles' } } })

declare const namespaced: TypedDocumentNode<
  { north: { articles: { id: string; updated_at: string }[] } | null },
  { where: object; order_by: object[]; limit: number }
>
pullSync({ ...pull, document: namespaced, on: { table: 'articles' } })

// @ts-expect-error the namespace is no table
pullSync({ ...pull, document: namespaced, on: { table: 'north' } })

const job = { name: 'y', payload: z.strictObject({ id: z.string() }), run: async () => ({}) } as const
defineJob({
  ...job,
  on: tableEvents(pullArticlesDocument, { table: 'articles' }),
  payloadOfEvent: event => ({ id: String(event.new?.id) }),
})

// @ts-expect-error a table that the document doesn't read
defineJob({ ...job, on: tableEvents(pullArticlesDocument, { table: 'topics' }) })

// @ts-expect-error a payload that the job doesn't take
defineJob({ ...job, payloadOfEvent: () => ({ id: 7 }) })
