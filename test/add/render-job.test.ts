import { expect, test } from 'vitest'
import { findJobNames } from '../../src/add/job-names.ts'
import { renderJob } from '../../src/add/render-job.ts'
import type { RowColumn } from '../../src/add/row-columns.ts'

const names = findJobNames('order').next().value
const column = (name: string, mirrorName = name): RowColumn => ({
  name,
  mirrorName,
  type: 'Int!',
  nullable: false,
  comparedAs: 'integer',
  problem: { key: undefined, cursor: undefined },
})
const render = (role: string, columns: string[], cursor: string) =>
  renderJob(names, {
    role,
    key: { columns: columns.map(name => column(name)), asserted: [], isOrderGuessed: false },
    cursor: column(cursor),
    into: 'order',
  })

test('is the file that one would have written', () => {
  expect(render('viewer', ['id'], 'updated_at')).toBe(`import { pullSync } from 'hasura-sync-worker'
import { PullOrderDocument } from '../generated/graphql.ts'

export const syncOrder = pullSync({
  name: 'sync-order',
  document: PullOrderDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'order',
  schedule: { everySeconds: 300 },
})
`)
})

test('leaves out the rows of a view that have no key, and says so; under the names of the mirror', () => {
  const id = column('_id', 'column_id')
  const key = { columns: [id, column('part')], asserted: [id], isOrderGuessed: false }
  expect(
    renderJob(names, { role: 'viewer', key, cursor: undefined, into: 'order' }),
  ).toBe(`import { pullSync, withoutNulls } from 'hasura-sync-worker'
import { PullOrderDocument } from '../generated/graphql.ts'

export const syncOrder = pullSync({
  name: 'sync-order',
  // Nullable in the API's schema: rows with a null in one of these are left out.
  ...withoutNulls(PullOrderDocument, 'column_id'),
  role: 'viewer',
  key: ['column_id', 'part'],
  into: 'order',
  schedule: { everySeconds: 300 },
})
`)
})

test.each<[string, string[], RegExp]>([
  ["the boss's", ['id'], /^ {2}role: "the boss's",$/m],
  [`a "b" 'c' \\`, ['id'], /^ {2}role: 'a "b" \\'c\\' \\\\',$/m],
  ['viewer', ['a', 'b'], /^ {2}key: \['a', 'b'\],$/m],
  ['viewer', ['a'.repeat(60), 'b'.repeat(60)], /^ {2}key: \[\n {4}'a+',\n {4}'b+',\n {2}\],$/m],
])('as role %s with key %j', (role, key, line) => {
  expect(render(role, key, 'updated_at')).toMatch(line)
})
