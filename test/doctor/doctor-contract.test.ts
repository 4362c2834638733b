import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { expect } from 'vitest'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { openHome } from '../cli/run-command.ts'
import { sandboxTest } from '../fixtures/sandbox-test.ts'
import { pullArticlesDocument } from '../fixtures/wiki-documents.ts'
import { setSelectPermission, trackTable, untrackTable } from '../sandbox/hasura/change-metadata.ts'
import { runDoctor } from './run-doctor.ts'

const test = sandboxTest.extend('home', { scope: 'file' }, async ({ closing, sandbox }) =>
  closing.use(await openHome(sandbox, 'contract')),
)

test.beforeEach(async ({ home }) => {
  const { find } = await runDoctor(home.env)
  expect(find('contract')).toMatchObject({ status: 'ok' })
})

test('a table that is new for the role is told as a change since its SDL was committed', async ({ sandbox, home }) => {
  await sandbox.hasura.sql('create table public.extras (id int primary key)')
  const permission = { columns: ['id'], filter: {} }
  await sandbox.hasura.changeMetadata(trackTable('extras', { select_permissions: [{ role: 'viewer', permission }] }))
  const { code, find } = await runDoctor(home.env)
  expect(find('contract')).toMatchObject({
    status: 'warn',
    detail: 'the API has changed for role "viewer" since its SDL was committed',
    hint: 'run "npm run -s cli -- schema pull" and commit the change',
  })
  expect(code).toBe(0)
  await sandbox.hasura.changeMetadata(untrackTable('extras'))
})

test('a soft-delete column fails whose type no longer tells which rows are deleted', async ({ home, sandbox }) => {
  const document = pullArticlesDocument
  const common = { document, role: 'viewer', key: 'id', cursor: 'updated_at', softDelete: 'revision' } as const
  const moreJobs = [pullSync({ ...common, name: 'sync-revisions', into: 'revisions' })]
  expect((await runDoctor(home.env, { moreJobs })).find('contract')).toMatchObject({ status: 'ok' })
  await sandbox.hasura.sql('alter table articles alter column revision drop default, alter column revision type text')
  await sandbox.hasura.changeMetadata()
  const { code, find } = await runDoctor(home.env, { moreJobs })
  expect(find('contract')).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('sync-revisions as role "viewer": softDelete: column "revision" is text, whose'),
  })
  expect(code).toBe(1)
  await sandbox.hasura.sql('alter table articles alter column revision type bigint using revision::bigint')
  await sandbox.hasura.changeMetadata()
})

test('a cursor is a warning that can be null for the role, though its type says otherwise', async ({ home }) => {
  // As codegen writes it if another role sees the column as never null.
  const document = pullArticlesDocument as TypedDocumentNode<
    { articles: { id: string; published_at: string }[] },
    { where: object; order_by: object[]; limit: number }
  >
  const common = { document, role: 'viewer', key: 'id', cursor: 'published_at' } as const
  const published = { published_at: { _is_null: false } }
  const moreJobs = [
    pullSync({ ...common, name: 'sync-published', into: 'published', where: published }),
    pullSync({ ...common, name: 'sync-all', into: 'all_articles' }),
  ]
  const { code, find } = await runDoctor(home.env, { moreJobs })
  expect(find('contract')).toMatchObject({
    status: 'warn',
    detail:
      'sync-all: role "viewer" may see null in "published_at" of its key and cursor: runs miss such rows, or fail at them',
    hint: 'choose columns that are never null, or exclude such rows with withoutNulls',
  })
  expect(code).toBe(0)
})

test('a table that a job reads and the role no longer sees fails', async ({ sandbox, home }) => {
  await sandbox.hasura.changeMetadata(setSelectPermission('topics', 'viewer', undefined))
  const { code, failed, find } = await runDoctor(home.env)
  expect(find('contract')).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(/role "viewer": .*topics/),
    hint: expect.stringMatching(
      /schema pull" .* or give the role the permission in Hasura \(Data → table → Permissions\)/,
    ),
  })
  expect({ code, failed }).toEqual({ code: 1, failed: ['contract'] })
})
