import fc from 'fast-check'
import { parse, print } from 'graphql'
import { describe, expect, test } from 'vitest'
import { liveSettingsOf } from '../../src/pull/live-settings.ts'
import { createPullListener } from '../../src/pull/pull-doorbell.ts'
import type { PullCursor } from '../../src/pull/pull-run.ts'

const keys = parse(
  'query ThingsKeys($where: W!, $order_by: [O!]!, $limit: Int!) { things(where: $where, order_by: $order_by, limit: $limit) { id at } }',
)
const count = {
  document: parse('query ThingsCount($where: W!) { things_aggregate(where: $where) { aggregate { count } } }'),
  place: 'things_aggregate',
}
const cursor: PullCursor = {
  column: 'at',
  type: 'timestamp with time zone',
  kind: 'instant',
  lookback: 300,
  order: {
    columns: ['at', 'id'],
    sentAsNumbers: new Set(),
    comparisons: new Map([['at', (a: string, b: string) => Math.sign(Date.parse(a) - Date.parse(b))]]),
  },
}

function open({ mayCount = true, sweeps = true, countUpTo = 100 } = {}) {
  const shape = { place: 'things', derived: { keys, ...(mayCount && { count }) } }
  const live = liveSettingsOf({ countUpTo }) ?? expect.fail('it is live')
  return createPullListener(shape, cursor, { owner: { _eq: 'me' } }, { live, sweeps })
}
const at = (seconds: number) => ({ things: [{ id: 1, at: `2026-01-01T00:00:${String(seconds).padStart(2, '0')}Z` }] })
const counted = (rows: number) => ({ things_aggregate: { aggregate: { count: rows } } })
const nothing = { things: [] }

describe('a pull listens', () => {
  test('to its greatest cursor and its count under its filter, each in a subscription with one field', () => {
    const [first, second, ...others] = open().subscriptions
    expect(others).toEqual([])
    expect(print(first?.document ?? keys)).toContain('subscription ThingsKeysLive(')
    expect(first?.variables).toEqual({ where: { owner: { _eq: 'me' } }, order_by: [{ at: 'desc' }], limit: 1 })
    expect(second?.variables).toEqual({ where: { owner: { _eq: 'me' } } })
  })

  test.each([
    ['the role may not count', { mayCount: false }],
    ['it shall not count', { countUpTo: 0 }],
  ])('to its cursor alone where %s', (_, options) => {
    expect(open(options).subscriptions.map(({ name }) => name)).toEqual(['cursor'])
  })

  type Told = readonly [seconds: number, name: 'cursor' | 'count', data: unknown]
  const cases: readonly (readonly [string, readonly Told[], readonly unknown[]])[] = [
    [
      'what it hears first is no change',
      [
        [0, 'cursor', at(1)],
        [0, 'count', counted(5)],
      ],
      [],
    ],
    [
      'the same again is none',
      [
        [0, 'cursor', at(1)],
        [9, 'cursor', at(1)],
      ],
      [],
    ],
    [
      'a greater cursor',
      [
        [0, 'cursor', at(1)],
        [9, 'cursor', at(2)],
      ],
      [{ rung: true }],
    ],
    [
      'the first row of an empty table',
      [
        [0, 'cursor', nothing],
        [9, 'cursor', at(2)],
      ],
      [{ rung: true }],
    ],
    [
      'a cursor that fell',
      [
        [0, 'cursor', at(2)],
        [9, 'cursor', at(1)],
      ],
      [{ sweep: true }],
    ],
    [
      'the last row is gone',
      [
        [0, 'cursor', at(2)],
        [9, 'cursor', nothing],
      ],
      [{ sweep: true }],
    ],
    [
      'fewer rows',
      [
        [0, 'count', counted(5)],
        [9, 'count', counted(4)],
      ],
      [{ sweep: true }],
    ],
    [
      'more rows, and no greater cursor',
      [
        [0, 'cursor', at(1)],
        [0, 'count', counted(5)],
        [9, 'count', counted(6)],
      ],
      [{}],
    ],
    [
      'more rows a moment after a greater cursor',
      [
        [0, 'cursor', at(1)],
        [0, 'count', counted(5)],
        [9, 'cursor', at(2)],
        [10, 'count', counted(6)],
      ],
      [{ rung: true }],
    ],
  ]
  test.each(cases)('%s', (_, told, payloads) => {
    const listener = open()
    const rings = told.flatMap(([seconds, name, data]) => listener.hear(name, data, seconds * 1_000).rings)
    expect(rings.map(({ payload }) => payload)).toEqual(payloads)
  })

  test('a count that rises waits for the cursor, and is needless when that grows', () => {
    const listener = open()
    listener.hear('count', counted(5), 0)
    const [ring] = listener.hear('count', counted(6), 1_000).rings
    expect(ring).toMatchObject({ kind: 'scan', waitMs: 1_500 })
    listener.hear('cursor', at(1), 1_000)
    expect(listener.hear('cursor', at(2), 2_000).rings).toMatchObject([{ replaces: ['scan'] }])
  })

  test('until there are more rows than it may count', () => {
    const listener = open()
    listener.hear('count', counted(100), 0)
    expect(listener.hear('count', counted(101), 1_000)).toEqual({ rings: [], ends: true })
  })

  test('and asks for no sweep where the job has none', () => {
    const listener = open({ sweeps: false })
    listener.hear('count', counted(5), 0)
    expect(listener.hear('count', counted(4), 1_000).rings).toMatchObject([{ payload: { rung: true } }])
  })

  test('and reads the lookback after nobody has listened, whatever is heard then', () => {
    const [ring] = open().missed()
    expect(ring).toMatchObject({ payload: {} })
    expect(
      open()
        .hear('cursor', at(1), 0)
        .rings.flatMap(({ replaces = [] }) => replaces),
    ).not.toContain(ring?.kind)
  })

  test('tells integers apart that JavaScript could not', () => {
    const listener = open()
    const big = (text: string) => ({ things: [{ at: JSON.rawJSON(text) }] })
    listener.hear('cursor', big('9007199254740993'), 0)
    expect(listener.hear('cursor', big('9007199254740992'), 9_000).rings).toHaveLength(1)
  })

  const countOf = (count: unknown) => ({ things_aggregate: { aggregate: { count } } })

  test('to a count that is written as text', () => {
    const listener = open()
    listener.hear('count', countOf('5'), 0)
    expect(listener.hear('count', countOf('4'), 9_000).rings).toMatchObject([{ payload: { sweep: true } }])
  })

  test('to a count beyond all numbers, which is more than it may count', () => {
    expect(open().hear('count', countOf(JSON.rawJSON('9'.repeat(400))), 0)).toMatchObject({ ends: true })
  })

  test.each([null, undefined, true, -1, 1.5, Number.NaN, '', ' 5', '5 rows', '0x5', [], {}, JSON.rawJSON('1e999')])(
    'to no count that is %j, and remembers the one before',
    count => {
      const listener = open()
      listener.hear('count', counted(5), 0)
      expect(() => listener.hear('count', countOf(count), 1_000)).toThrow()
      expect(listener.hear('count', counted(5), 2_000).rings).toEqual([])
    },
  )

  test('whatever is said, and either refuses it or asks for one of three requests', () => {
    const rows = fc.array(fc.dictionary(fc.constantFrom('at', 'id'), fc.jsonValue()), { maxLength: 2 })
    const data = fc.oneof(
      fc.jsonValue(),
      rows.map(things => ({ things })),
      fc.jsonValue().map(countOf),
    )
    const told = fc.array(fc.tuple(fc.constantFrom('cursor', 'count'), data), { maxLength: 10 })
    const requests = [{}, { rung: true }, { sweep: true }]
    fc.assert(
      fc.property(told, all => {
        const listener = open()
        for (const [at, [name, data]] of all.entries()) {
          let rings: readonly { readonly payload: unknown }[]
          try {
            rings = listener.hear(name, data, at * 1_000).rings
          } catch {
            continue
          }
          for (const { payload } of rings) expect(requests).toContainEqual(payload)
        }
      }),
    )
  })
})
