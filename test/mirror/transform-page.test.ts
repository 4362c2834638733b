import { expect, test } from 'vitest'
import { z } from 'zod'
import { parseRows, rowsOf } from '../../src/hasura/rows.ts'
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

test('numbers within JSON are JavaScript’s to a transform, and keep their digits if it leaves them alone', () => {
  const json = '{"lines":[{"price":12.50,"id":9007199254740993},{"price":3.25,"id":2}]}'
  const page = parseRows(`{"data":{"orders":[{"id":1,"doc":${json},"total":null}]}}`, 'orders') ?? expect.fail()
  const columns = [...table.columns, { name: 'doc', type: 'jsonb' }, { name: 'total', type: 'numeric' }]
  const order = z.object({ doc: z.object({ lines: z.array(z.object({ price: z.number(), id: z.unknown() })) }) })
  const transformed = transformPage(page, { ...table, columns }, ['id'], row => {
    const { lines } = order.parse(row).doc
    expect(lines.map(({ id }) => id)).toEqual(['9007199254740993', 2])
    return { ...Object(row), total: lines.reduce((sum, { price }) => sum + price, 0) }
  })
  expect(transformed.column('total')?.text(0)).toBe('15.75')
  expect(transformed.column('doc')?.text(0)).toBe(json)
})
