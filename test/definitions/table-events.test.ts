import { expect, test } from 'vitest'
import { concerns } from '../../src/definitions/table-events.ts'

test.each([
  ['orders', 'orders', true],
  ['orderItems', 'order_items', true],
  ['orderItems', 'orderItems', true],
  ['orders', 'order', false],
  ['order_items', 'orderItems', false],
])('events of "%s" are those of table "%s": %s', (name, table, expected) => {
  const events = { table: { schema: 'public', name } }
  expect(concerns(events, { schema: 'public', name: table }, 'INSERT')).toBe(expected)
  expect(concerns(events, { schema: 'other', name: table }, 'INSERT')).toBe(false)
})
