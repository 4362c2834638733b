import { expect, test } from 'vitest'
import { rowsOf } from '../../src/hasura/rows.ts'
import { type RowTransform, transformPage } from '../../src/mirror/transform-page.ts'

class Article {
  readonly id = 1
}

const table = { columns: [{ name: 'id', type: 'integer' }], key: ['id'] }
const apply = (transform: RowTransform) => transformPage(rowsOf([{ id: 1 }]), table, ['id'], transform)

test.each([
  ['is asynchronous', async (row: unknown) => row, '[object Promise]'],
  ['gives null', () => null, '[object Null]'],
  ['gives a list', (row: unknown) => [row], '[object Array]'],
  ['gives an instance of a class', () => new Article(), '[object Object]'],
])('a transform that %s is told as such', (_what, transform, words) => {
  expect(() => apply(transform)).toThrow(
    expect.objectContaining({
      code: 'transform',
      found: `The transform gave ${words} instead of a plain object`,
      remedy: expect.stringContaining("a Promise isn't awaited"),
    }),
  )
})
