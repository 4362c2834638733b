import { expect, test } from 'vitest'
import { articleText } from '../../bench/api/article-rows.ts'
import { findInterval } from '../../bench/api/find-interval.ts'

const all = { start: 0, end: 100 }
const row = (n: number): { id: string; updated_at: string } => JSON.parse(articleText(n))

test.each([
  ['everything', {}, all],
  ['an empty conjunction', { _and: [] }, all],
  ['from a row on', { id: { _gte: row(7).id } }, { start: 7, end: 100 }],
  ['after a row', { updated_at: { _gt: row(7).updated_at } }, { start: 8, end: 100 }],
  ['between two', { id: { _gt: row(7).id, _lte: row(9).id } }, { start: 8, end: 10 }],
  ['below a row', { id: { _lt: row(9).id } }, { start: 0, end: 9 }],
  ['one row', { id: { _eq: row(9).id } }, { start: 9, end: 10 }],
  ['both at once', { _and: [{ id: { _gt: row(3).id } }, { id: { _lt: row(5).id } }] }, { start: 4, end: 5 }],
  ['before all', { updated_at: { _gte: '2000-01-01T00:00:00Z' } }, all],
  ['from an id between two rows', { id: { _gt: '000000000-fff-4000-8000-000000000000' } }, { start: 1, end: 100 }],
  [
    'behind a position, as a pull asks for it',
    {
      updated_at: { _gte: row(7).updated_at },
      _or: [
        { updated_at: { _gt: row(7).updated_at } },
        { updated_at: { _eq: row(7).updated_at }, id: { _gt: row(7).id } },
      ],
    },
    { start: 8, end: 100 },
  ],
])('the prepared pages find %s', (_, where, interval) => {
  expect(findInterval(where, all)).toEqual(interval)
})

test('the prepared pages refuse what they would answer wrongly', () => {
  expect(() => findInterval({ title: { _eq: 'x' } }, all)).toThrow('no condition on title')
  expect(() => findInterval({ id: { _in: [] } }, all)).toThrow('the operator _in')
  expect(() => findInterval({ _not: {} }, all)).toThrow('no condition on _not')
})
