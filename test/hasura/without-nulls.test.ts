import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { expect, expectTypeOf, test } from 'vitest'
import { withoutNulls } from '../../src/hasura/without-nulls.ts'
import type { PullOptions } from '../../src/pull/pull-options.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { openTestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'

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

test('asks under graphql-default in the words of that convention, in runs and subscriptions', async () => {
  const sdl = await readFile(join(wikiProject.folder, 'graphql/schema/viewer.graphql'), 'utf8')
  const folder = await mkdtemp(join(tmpdir(), 'without-nulls-'))
  try {
    await writeFile(join(folder, 'viewer.graphql'), sdl.replaceAll('_is_null', '_isNull'))
    const schemaFolder = pathToFileURL(`${folder}/`)
    const job = pullSync({
      name: 'sync-published',
      ...withoutNulls(pullArticlesDocument, 'published_at'),
      role: 'viewer',
      key: 'id',
      cursor: 'published_at',
      into: 'published',
      live: true,
    })
    const where = { published_at: { _isNull: false } }
    const listener = await job.doorbell?.listen(schemaFolder, { name: 'default' })
    expect(listener?.subscriptions.map(({ variables }) => variables.where)).toEqual([where])
    await using app = await openTestApp({ schemaFolder, jobs: [job] })
    // The sandbox has only the other convention.
    await expect(runPull(app, job, 'default')).rejects.toThrow('_isNull')
    expect(app.hasura.requests.at(-1)?.variables).toMatchObject({ where })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
