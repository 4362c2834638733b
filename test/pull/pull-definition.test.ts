import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { describeChanges, describeDocument, type PullDefinition } from '../../src/pull/pull-definition.ts'

const before: PullDefinition = {
  ...describeDocument(parse('query PullThings($where: w) { things(where: $where) { id changed_at } }')),
  role: 'viewer',
  key: ['id'],
  cursor: 'changed_at',
  table: 'things',
  filter: '5f1c',
}

test.each<[string, Partial<PullDefinition>, readonly string[]]>([
  ['the query’s name', { query: 'PullAll' }, ['query PullThings (now PullAll)']],
  ['the list’s arguments', { list: 'things' }, ['list things(where: $where) (now things)']],
  ['the role', { role: 'editor' }, ['role "viewer" (now "editor")']],
  ['the key', { key: ['a', 'b'] }, ['key "id" (now "a", "b")']],
  ['the cursor', { cursor: 'id' }, ['cursor "changed_at" (now "id")']],
  ['that there is no cursor', { cursor: undefined }, ['cursor "changed_at" (now none)']],
  ['the table', { table: 'others' }, ['table mirror.things (now mirror.others)']],
  ['the filter, without its values', { filter: '77aa' }, ['another filter']],
  ['several', { role: 'editor', filter: '77aa' }, ['role "viewer" (now "editor")', 'another filter']],
  ['what an alias stands for', {}, ['another document']],
])('a changed definition is told by %s', (_what, change, told) => {
  expect(describeChanges(before, { ...before, ...change })).toEqual(told)
})

test('of a document, another order is no change, but other fields are', () => {
  const written = { ...before, reads: '1a' }
  expect(describeChanges(written, { ...written, list: 'things(limit: $limit, where: $where)' })).toEqual([])
  expect(describeChanges(written, { ...written, reads: '2b' })).toEqual(['another document'])
})

test('what a document selects of each row is no part of it', () => {
  expect(describeDocument(parse('query PullThings($where: w) { things(where: $where) { id } }'))).toEqual({
    query: 'PullThings',
    list: 'things(where: $where)',
  })
})
