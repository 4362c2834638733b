import { parse, print } from 'graphql'
import { expect, test } from 'vitest'
import { sortDocument } from '../../src/hasura/sort-document.ts'

const sorted = (text: string) => print(sortDocument(parse(text)))

test('the order of variables, arguments, their fields and selected fields says nothing', () => {
  expect(
    sorted(
      'query Q($w: w!, $n: Int!) { things(where: $w, args: { b: 1, a: 2 }, limit: $n) { id changed: updated_at } }',
    ),
  ).toBe(
    sorted(
      'query Q($n: Int!, $w: w!) { things(limit: $n, args: { a: 2, b: 1 }, where: $w) { changed: updated_at id } }',
    ),
  )
})

test.each([
  'query Q { things(args: { a: 1, b: 2 }) { changed: updated_at } }',
  'query Q { things(args: { a: 2, b: 1 }) { changed: created_at } }',
  'query Q { things(args: { a: 2, b: [2, 1] }) { changed: updated_at } }',
])('%s is another document', text => {
  expect(sorted(text)).not.toBe(sorted('query Q { things(args: { a: 2, b: 1 }) { changed: updated_at } }'))
})
