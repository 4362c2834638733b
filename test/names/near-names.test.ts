import { expect, test } from 'vitest'
import { findNearNames } from '../../src/names/near-names.ts'

const names = ['articles', 'article_links', 'topics', 'users', 'user_roles']

test.each([
  ['article', ['articles', 'article_links']],
  ['artcles', ['articles']],
  ['Users', ['users']],
  ['user', ['users', 'user_roles']],
  ['invoices', []],
  ['', []],
])('%s', (wanted, near) => {
  expect(findNearNames(wanted, names)).toEqual(near)
})
