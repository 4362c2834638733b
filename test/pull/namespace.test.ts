import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { expect } from 'vitest'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable, expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { alterSelectPermission, setRootNamespace } from '../sandbox/hasura/change-metadata.ts'

const test = tableTest.extend('appOptions', { scope: 'file' }, { firstLogin: null })

interface Rows {
  north: { rows: { id: number; title: string | null; updated_at: string }[] }
}

test('a table whose source has a root namespace is read in ranges, scanned and swept as any other', async ({
  sandbox,
  app,
  account,
}) => {
  const table = await createNumberedTable(sandbox, 500)
  await table.change(
    setRootNamespace('north'),
    alterSelectPermission(table.name, 'viewer', { allow_aggregations: true }),
  )
  const { name } = table
  const document: TypedDocumentNode<Rows, { where: unknown; order_by: unknown; limit: number }> =
    parse(`query PullRows($where: ${name}_bool_exp!, $order_by: [${name}_order_by!]!, $limit: Int!) {
      north { rows: ${name}(where: $where, order_by: $order_by, limit: $limit) { id title updated_at } }
    }`)
  const job = pullSync({
    name: 'sync-namespace',
    document,
    role: 'viewer',
    key: 'id',
    cursor: 'updated_at',
    into: name,
    pageSize: 20,
  })
  const totals = new Set<number | undefined>()
  const full = await runPull(app, job, account, { onProgress: ({ total }) => totals.add(total) })
  expect(full).toMatchObject({ counts: { inserted: 500 } })
  expect(totals).toContain(500)
  await expectMirrored(app, table, account)
  await app.hasura.sql(`update ${name} set title = 'new', updated_at = now() where id <= 30`)
  await app.hasura.sql(`delete from ${name} where id > 495`)
  const swept = await runPull(app, job, account, { payload: { sweep: true } })
  expect(swept).toMatchObject({ counts: { updated: 30, deleted: 5 } })
  await expectMirrored(app, table, account)
})
