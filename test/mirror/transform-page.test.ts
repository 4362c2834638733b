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

test.each<[what: string, column: string, transform: (row: { doc: { id: string }[] }) => unknown]>([
  ['filters a list', 'doc', row => ({ ...row, doc: row.doc.filter(({ id }) => id !== '9007199254740993') })],
  ['filters a list in place', 'doc', row => (row.doc.shift() ? row : undefined)],
  ['moves an object', 'last', row => ({ ...row, last: [row.doc[1]] })],
  ['nests a list', 'nested', row => ({ ...row, nested: { lines: row.doc.slice(1) } })],
])('numbers within JSON keep their digits in a row whose transform %s', (_what, column, transform) => {
  const json = '[{"id":9007199254740993,"price":1.50},{"id":9007199254740995,"price":2.50}]'
  const page = parseRows(`{"data":{"orders":[{"id":1,"doc":${json}}]}}`, 'orders') ?? expect.fail()
  const columns = [...table.columns, { name: 'doc', type: 'jsonb' }]
  const transformed = transformPage(page, { ...table, columns }, ['id'], row => transform(Object(row)))
  expect(transformed.column(column)?.text(0)).toContain('[{"id":9007199254740995,"price":2.50}]')
})

test('a number that a transform moves by itself is JavaScript’s, and one that the transform writes stays', () => {
  const page = parseRows('{"data":{"orders":[{"id":1,"doc":[9007199254740993,1.50]}]}}', 'orders') ?? expect.fail()
  const columns = [...table.columns, { name: 'doc', type: 'jsonb' }]
  const transformed = transformPage(page, { ...table, columns }, ['id'], row => ({
    ...Object(row),
    doc: [...Object(row).doc].reverse(),
    sum: [JSON.rawJSON('3.50')],
  }))
  expect(transformed.column('doc')?.text(0)).toBe('[1.5,"9007199254740993"]')
  expect(transformed.column('sum')?.text(0)).toBe('[3.50]')
})
