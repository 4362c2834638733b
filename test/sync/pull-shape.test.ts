import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { renderExplanation } from '../../src/errors.ts'
import { readSchema } from '../../src/hasura/role-schema.ts'
import type { PullSettings } from '../../src/sync/pull-settings.ts'
import { findShapeProblems, readShape } from '../../src/sync/pull-shape.ts'
import { among, behind, from, greatestFirst, orderBy } from '../../src/sync/remote/scan.ts'

const schemaOf = (directions: string) =>
  readSchema(
    'viewer',
    `type Query { things(where: things_bool_exp, order_by: [things_order_by!], limit: Int, offset: Int): [things!]! }
    scalar timestamptz scalar time
    enum order_by { ${directions} }
    input things_bool_exp { id: Int }
    input things_order_by { id: order_by }
    type things { id: Int! _rank: Int name: String changed_at: timestamptz! opens: time! owner: owners owner_name: String }
    type owners { name: String }`,
  )
const schema = schemaOf('asc desc')
const settings = (columns: string, more: Partial<PullSettings> = {}): PullSettings => ({
  name: 'sync-things',
  role: 'viewer',
  into: 'things',
  document: parse(`query Things($where: things_bool_exp, $order_by: [things_order_by!], $limit: Int) {
    things(where: $where, order_by: $order_by, limit: $limit) { ${columns} }
  }`),
  key: ['id'],
  cursor: 'changed_at',
  softDelete: undefined,
  flatten: new Set(),
  transform: undefined,
  where: () => ({}),
  pageSize: 10,
  ranges: 1,
  lookback: undefined,
  sweep: false,
  guard: { share: 0.3, floor: 10 },
  evolution: 'read-again',
  ...more,
})

describe('what a pull’s options say', () => {
  test('is in order when everything is selected', () => {
    expect(findShapeProblems(settings('id changed_at name'), schema)).toEqual([])
  })

  test.each([
    ['a key that is not selected', settings('changed_at'), '"id" is not selected by its document'],
    ['a cursor that is not selected', settings('id'), '"changed_at" is not selected by its document'],
    ['a soft-delete column that is not selected', settings('id changed_at', { softDelete: 'gone_at' }), '"gone_at"'],
    [
      'a key inside of a nested object',
      settings('id changed_at owner { name }', { flatten: new Set(['owner']), key: ['owner_name'] }),
      '"owner_name" is a field of a nested object',
    ],
    ['a column like the mirror’s own', settings('id changed_at _rank'), '"_rank" begins with an underscore'],
    [
      'two columns of one name',
      settings('id changed_at owner { name } owner_name', { flatten: new Set(['owner']) }),
      'two columns would be called "owner_name"',
    ],
    ['a sweep that never comes', settings('id changed_at', { sweep: { cron: '0 0 31 2 *' } }), "its sweep's cron"],
    ['a table with a dot', settings('id changed_at', { into: 'a.b' }), 'mirror table "a.b"'],
    ['a table with a name too long', settings('id changed_at', { into: 'é'.repeat(32) }), '1 to 63 bytes'],
    ['no ranges', settings('id changed_at', { ranges: 0 }), '"ranges" is 0'],
    ['a lookback that skips rows', settings('id changed_at', { lookback: -1 }), '"lookback" is -1'],
    ['a lookback that is no number', settings('id changed_at', { lookback: Number.NaN }), '"lookback" is NaN'],
    [
      'a cursor that begins again every night',
      settings('id opens', { cursor: 'opens' }),
      '"opens" is time without time zone, which can\'t grow with every change',
    ],
    ['a page that is no number', settings('id changed_at', { pageSize: Number.NaN }), '"pageSize" is NaN'],
  ])('is refused with %s', (_what, wrong, sentence) => {
    expect(findShapeProblems(wrong, schema).map(renderExplanation)).toEqual([expect.stringContaining(sentence)])
  })

  test('is ordered in the words of the API', () => {
    const { key, cursor } = readShape(settings('id changed_at'), schema)
    expect(orderBy(key)).toEqual([{ id: 'asc' }])
    const other = readShape(settings('id changed_at'), schemaOf('ASC DESC_NULLS_LAST'))
    expect(orderBy(other.key)).toEqual([{ id: 'ASC' }])
    expect(greatestFirst(other.cursor?.order ?? expect.fail('it has a cursor'), 'last')).toEqual([
      { changed_at: 'DESC_NULLS_LAST' },
    ])
    expect(cursor?.order.columns).toEqual(['changed_at', 'id'])
  })

  test('asks the API by its own names where the document gives others, two that change places among them', () => {
    const renamed = settings('rank: _rank id: changed_at changed_at: id', { key: ['rank', 'changed_at'], cursor: 'id' })
    const { key, cursor, columns } = readShape(renamed, schema)
    const order = cursor?.order ?? expect.fail('it has a cursor')
    expect(Object.keys(columns)).toEqual(['rank', 'id', 'changed_at'])
    expect(orderBy(order)).toEqual([{ changed_at: 'asc' }, { _rank: 'asc' }, { id: 'asc' }])
    expect(greatestFirst(order, 'first')).toEqual([{ changed_at: 'desc' }])
    expect(from(order, 'T')).toEqual({ changed_at: { _gte: 'T' } })
    expect(among(key, [['1', '2']])).toEqual({ _or: [{ _rank: { _eq: 1 }, id: { _eq: 2 } }] })
    expect(among({ ...key, columns: ['rank'] }, [['1']])).toEqual({ _rank: { _in: [1] } })
    expect(behind(key, ['1', '2'])).toEqual({
      _rank: { _gte: 1 },
      _or: [{ _rank: { _gt: 1 } }, { _rank: { _eq: 1 }, id: { _gt: 2 } }],
    })
  })
})
