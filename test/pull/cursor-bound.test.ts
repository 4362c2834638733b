import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { columnTypeOf } from '../../src/hasura/scalars.ts'
import {
  type BoundedCursor,
  beganAt,
  beginningOfFuture,
  findCursorKind,
  isFromFuture,
  lowerBound,
  mayEndAt,
  movesBound,
  rungBound,
} from '../../src/pull/cursor-bound.ts'

const scannedAt = '2026-03-01T12:00:00.000Z'
const now = Date.parse(scannedAt)

function cursorOf(type: string, lookback?: number): BoundedCursor {
  const kind = findCursorKind(type) ?? expect.fail(`${type} can't be a cursor`)
  return { type, kind, lookback }
}
const timestamptz = cursorOf('timestamp with time zone')
const timestamp = cursorOf('timestamp without time zone')
const date = cursorOf('date')
const uuid = cursorOf('uuid')

describe('the kind of a cursor', () => {
  test.each([
    ['timestamptz', 'instant'],
    ['timestamp', 'local'],
    ['date', 'local'],
    ['Int', 'number'],
    ['Float', 'number'],
    ['smallint', 'number'],
    ['bigint', 'number'],
    ['numeric', 'number'],
    ['float8', 'number'],
    ['float4', 'number'],
    ['uuid', 'uuid'],
    ['String', 'order'],
    ['xid8', 'order'],
    ['citext', 'order'],
    ['interval', 'order'],
    ['bytea', 'order'],
    // What can't grow with every change.
    ['time', undefined],
    ['timetz', undefined],
    ['Boolean', undefined],
    ['jsonb', undefined],
    ['json', undefined],
  ])('of scalar %s is %s', (scalar, kind) => {
    expect(findCursorKind(columnTypeOf(scalar, 'hasura-default'))).toBe(kind)
  })
})

describe('the lower bound of the next scan', () => {
  test.each(['timestamp with time zone', 'timestamp without time zone', 'date', 'bigint', 'uuid', 'text'])(
    'of %s is none before a scan was complete',
    type => {
      expect(lowerBound(cursorOf(type), { high: '5', scannedAt: undefined }, now)).toBeUndefined()
    },
  )

  test.each<[string, string | undefined, string | undefined]>([
    // With a zone rows don't move it.
    ['timestamp with time zone', '2099-01-01T00:00:00Z', '2026-03-01T11:55:00.000Z'],
    ['timestamp with time zone', 'infinity', '2026-03-01T11:55:00.000Z'],
    ['timestamp with time zone', undefined, '2026-03-01T11:55:00.000Z'],
    ['timestamp with time zone', '1999-01-01T00:00:00+00:00', '2026-03-01T11:55:00.000Z'],
    // Without one it is 12 hours and 5 minutes before the scan, or 5 minutes before what was seen.
    ['timestamp without time zone', '2026-03-01T07:00:00.000001', '2026-02-28T23:55:00.000'],
    ['timestamp without time zone', '2026-03-01T22:00:00', '2026-02-28T23:55:00.000'],
    ['timestamp without time zone', '2019-12-31T23:59:59.5', '2019-12-31T23:54:59.500'],
    ['timestamp without time zone', '0001-01-01T00:04:00', undefined],
    ['timestamp without time zone', '0044-03-15T12:00:00 BC', undefined],
    ['timestamp without time zone', '-infinity', undefined],
    ['timestamp without time zone', 'infinity', '2026-02-28T23:55:00.000'],
    ['timestamp without time zone', '294276-12-31T00:00:00', '2026-02-28T23:55:00.000'],
    ['timestamp without time zone', undefined, undefined],
    ['date', '2026-02-20', '2026-02-19'],
    ['date', '2026-03-01', '2026-02-28'],
    ['date', '2026-03-02', '2026-02-28'],
    ['date', 'infinity', '2026-02-28'],
    ['date', undefined, undefined],
    ['bigint', '9007199254740993', '9007199254740993'],
    ['numeric', 'NaN', undefined],
    ['numeric', 'Infinity', undefined],
    ['numeric', undefined, undefined],
    ['double precision', '1e+20', '100000000000000000000'],
    ['real', '-Infinity', undefined],
    ['text', 'm', 'm'],
    // Of version 7: five minutes before that of what was seen, or before the scan; of version 4 it is what was seen.
    ['uuid', '019ca8f7-7180-7abc-8def-0123456789ab', '019ca8f2-dda0-0000-0000-000000000000'],
    ['uuid', '03b3c5a8-ac00-7abc-8def-0123456789ab', '019ca940-7620-0000-0000-000000000000'],
    ['uuid', '00000000-0000-7000-8000-000000000001', '00000000-0000-0000-0000-000000000000'],
    ['uuid', 'f47ac10b-58cc-4372-a567-0e02b2c3d479', 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
  ])('of %s, of which %s was seen, is %s', (type, high, bound) => {
    expect(lowerBound(cursorOf(type), { high, scannedAt }, now)).toBe(bound)
  })

  test.each<[string, number, string, string]>([
    ['timestamp without time zone', 300, '2026-03-01T07:00:00.000001', '2026-03-01T06:55:00.000'],
    ['timestamp without time zone', 300, '2026-03-01T22:00:00', '2026-03-01T11:55:00.000'],
    ['timestamp without time zone', 43_500, '2026-03-01T07:00:00.000001', '2026-02-28T18:55:00.000'],
    ['timestamp without time zone', 86_400, '2026-02-20T07:00:00', '2026-02-19T07:00:00.000'],
    ['date', 300, '2026-02-20', '2026-02-19'],
  ])('of %s with a lookback of the job, %i, reaches as far back from %s, to %s', (type, lookback, high, bound) => {
    expect(lowerBound(cursorOf(type, lookback), { high, scannedAt }, now)).toBe(bound)
  })

  test.each(['timestamp with time zone', 'timestamp without time zone', 'date'])(
    'of %s is none if the lookback reaches beyond the first year',
    type => {
      expect(lowerBound(cursorOf(type, 1e13), { high: '2026-02-20', scannedAt }, now)).toBeUndefined()
    },
  )

  test('of numbers lies at or below what was seen less the lookback, digit by digit', () => {
    const decimal = fc.tuple(
      fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }),
      fc.option(fc.stringMatching(/^[0-9]{1,9}$/)),
    )
    fc.assert(
      fc.property(decimal, fc.integer({ min: 0, max: 1_000 }), ([whole, fraction], lookback) => {
        const high = fraction === null ? `${whole}` : `${whole}.${fraction}`
        const bound = BigInt(lowerBound(cursorOf('numeric', lookback), { high, scannedAt }, now) ?? expect.fail())
        expect(bound).toBeLessThanOrEqual(whole - BigInt(lookback))
        if (fraction !== null && high.startsWith('-')) expect(bound).toBe(whole - BigInt(lookback) - 1n)
        else expect(bound).toBe(whole - BigInt(lookback))
      }),
      {
        examples: [
          [[-1n, '5'], 0],
          [[9007199254740993n, null], 1],
        ],
      },
    )
  })

  test('of binary fractions lies at or below it too', () => {
    // Beyond, neighbours are more than one apart, and what is expected here is rounded itself.
    const high = fc.double({ min: -(2 ** 53), max: 2 ** 53, noNaN: true })
    fc.assert(
      fc.property(high, fc.integer({ min: 0, max: 1_000 }), (value, lookback) => {
        const bound = lowerBound(cursorOf('double precision', lookback), { high: String(value), scannedAt }, now)
        expect(Number(bound)).toBeLessThanOrEqual(value - lookback)
      }),
      { numRuns: 1_000 },
    )
  })
})

test.each<[string, string, boolean]>([
  ['timestamp without time zone', '2026-03-02T02:00:00', true],
  ['timestamp without time zone', '2026-03-02T02:00:01', false],
  ['timestamp without time zone', 'infinity', false],
  ['timestamp without time zone', '-infinity', true],
  ['date', '2026-03-02', true],
  ['date', '2026-03-03', false],
  ['numeric', 'NaN', false],
  ['real', 'Infinity', false],
  ['bigint', '9223372036854775806', true],
  ['bigint', '9223372036854775807', false],
  ['integer', '2147483647', false],
  ['bigint', '2147483647', true],
  ['smallint', '32767', false],
  ['timestamp with time zone', 'infinity', true],
  ['text', 'NaN', true],
])('of %s, %s may be the greatest one seen: %s', (type, value, may) => {
  expect(movesBound(cursorOf(type), value, now)).toBe(may)
})

test('what is from the future begins where it no longer may be the greatest one seen', () => {
  for (const cursor of [timestamp, date]) {
    const future = beginningOfFuture(cursor, now) ?? expect.fail()
    // A date is as coarse as its type.
    expect(movesBound(cursor, future, now)).toBe(cursor === date)
    expect(movesBound(cursor, '2026-03-01', now)).toBe(true)
  }
  expect(beginningOfFuture(cursorOf('numeric'), now)).toBeUndefined()
})

describe('a scan may end with a page that held all there was', () => {
  test.each<[string, string, string | undefined, string | undefined, boolean]>([
    ['timestamp with time zone', '2026-03-01T12:00:01Z', undefined, undefined, true],
    ['timestamp with time zone', '2026-03-01T07:00:01-05:00', undefined, undefined, true],
    ['timestamp with time zone', '2026-03-01T12:00:00Z', undefined, undefined, false],
    ['timestamp with time zone', '2026-03-01T11:59:59.999999Z', undefined, undefined, false],
    // In New York it is seven o'clock.
    ['timestamp without time zone', '2026-03-01T07:00:01', '2026-03-01T07:00:01', '2026-03-01T07:00:00', true],
    ['timestamp without time zone', '2026-03-01T07:00:00', '2026-03-01T07:00:00', '2026-03-01T07:00:00', false],
    ['timestamp without time zone', 'infinity', '2026-03-01T07:00:00', '2026-03-01T07:00:00', false],
    ['timestamp without time zone', '2026-03-01T07:00:01', '2026-03-01T07:00:01', undefined, false],
    ['date', '2026-03-01', '2026-03-01', '2026-02-28', true],
    ['bigint', '11', '11', '10', true],
    ['bigint', '10', '10', '10', false],
    ['numeric', 'NaN', '10', '10', false],
    ['text', 'b', 'b', 'a', false],
  ])('by %s at %s, with %s seen and %s before: %s', (type, last, high, highBefore, may) => {
    expect(mayEndAt(cursorOf(type), last, { high, highBefore, scanStartedAt: scannedAt })).toBe(may)
  })
})

test('a read began at the earlier of two clocks, and at the only one', () => {
  expect(beganAt(now, now + 5)).toBe(scannedAt)
  expect(beganAt(now + 3_600_000, now)).toBe(scannedAt)
  expect(beganAt(undefined, now)).toBe(scannedAt)
})

describe('no row stays unseen', () => {
  interface Row {
    readonly value: string
    /** When the transaction that wrote it committed. */
    readonly committedAt: number
  }

  /** A source whose rows are only ever added, and the scans of a pull that look for them. */
  function simulate(cursor: BoundedCursor, compare: (a: string, b: string) => number) {
    const rows: Row[] = []
    const seen = new Set<Row>()
    let high: string | undefined
    let scanned: string | undefined
    return {
      write: (value: string, committedAt = Number.NEGATIVE_INFINITY) => void rows.push({ value, committedAt }),
      unseen: () => rows.filter(row => !seen.has(row)),
      scan(storeTime: number, serverDate = storeTime) {
        const bound = lowerBound(cursor, { high, scannedAt: scanned }, storeTime)
        const startedAt = beganAt(serverDate, storeTime)
        const read = rows
          .filter(({ committedAt }) => committedAt <= storeTime)
          .filter(({ value }) => bound === undefined || compare(value, bound) >= 0)
          .toSorted((a, b) => compare(a.value, b.value))
        for (const row of read) seen.add(row)
        const greatest = read.findLast(({ value }) => movesBound(cursor, value, Date.parse(startedAt)))
        if (greatest && (high === undefined || compare(greatest.value, high) > 0)) high = greatest.value
        // A scan that finds nothing leaves the time where it was.
        if (read.length > 0 || scanned === undefined) scanned = startedAt
      },
    }
  }

  const minute = 60_000
  const hour = 60 * minute
  const begin = Date.parse('2026-10-24T00:00:00Z')
  const endOfSummer = begin + 25 * hour
  const local = (at: number, zoneHours: number) => new Date(at + zoneHours * hour).toISOString().slice(0, -1)
  const instantOf = (text: string) =>
    text === 'infinity' ? Number.POSITIVE_INFINITY : Date.parse(/^.{10}$|Z$/.test(text) ? text : `${text}Z`)
  const byInstant = (a: string, b: string) => (a === b ? 0 : instantOf(a) - instantOf(b))
  const byText = (a: string, b: string) => (a < b ? -1 : Number(a > b))
  const version7 = (at: number) => {
    const time = at.toString(16).padStart(12, '0')
    return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`
  }

  const event = fc.record({
    afterMs: fc.integer({ min: 0, max: 3 * hour }),
    what: fc.constantFrom('write', 'scan'),
    writer: fc.nat({ max: 2 }),
    openMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 * minute })),
    aheadMs: fc.oneof(fc.constant(0), fc.constant(0), fc.integer({ min: 1, max: 72 * hour })),
    clockOffMs: fc.constantFrom(0, 0, -26 * hour, 2 * hour, 48 * hour),
  })
  /** What the writers' clocks show more than UTC in summer, in hours. */
  const zones = fc.array(fc.integer({ min: -11, max: 14 }), { minLength: 3, maxLength: 3 })

  test.each<[string, (at: number, zoneHours: number) => string, string, typeof byText]>([
    ['timestamp without time zone', local, 'infinity', byInstant],
    ['date', (at, zoneHours) => local(at, zoneHours).slice(0, 10), 'infinity', byInstant],
    ['timestamp with time zone', at => new Date(at).toISOString(), 'infinity', byInstant],
    ['uuid', version7, 'ffffffff-ffff-7fff-bfff-ffffffffffff', byText],
  ])(
    'by a cursor of %s, whatever the zones, the transactions, the rows from the future and the server’s clock',
    (...[type, write, endOfTime, compare]) => {
      fc.assert(
        fc.property(zones, fc.boolean(), fc.array(event, { maxLength: 40 }), (writers, hasEndOfTime, events) => {
          const source = simulate(cursorOf(type), compare)
          if (hasEndOfTime) source.write(endOfTime)
          let time = begin
          source.scan(time)
          for (const { afterMs, what, writer, openMs, aheadMs, clockOffMs } of events) {
            time += afterMs
            if (what === 'scan') source.scan(time, time + clockOffMs)
            else source.write(write(time + aheadMs, (writers[writer] ?? 0) - Number(time > endOfSummer)), time + openMs)
          }
          source.scan(time + 5 * minute)
          expect(source.unseen()).toEqual([])
        }),
        { numRuns: 500 },
      )
    },
  )

  test.each<[string, (at: number, zoneHours: number) => string]>([
    ['timestamp without time zone', local],
    ['date', at => local(at, 0).slice(0, 10)],
  ])('by a %s that only grows, however far behind the clock it is', (type, write) => {
    const first = fc.date({ min: new Date('0002-01-01'), max: new Date('2020-01-01'), noInvalidDate: true })
    const steps = fc.array(fc.record({ growsMs: fc.nat({ max: 30 * hour }), isScanned: fc.boolean() }))
    fc.assert(
      fc.property(first, steps, (at, all) => {
        const source = simulate(cursorOf(type), byInstant)
        source.write('infinity')
        source.scan(begin)
        let grown = at.getTime()
        for (const { growsMs, isScanned } of all) {
          grown += growsMs
          source.write(write(grown, 0))
          if (isScanned) source.scan(begin)
        }
        source.scan(begin)
        expect(source.unseen()).toEqual([])
      }),
    )
  })

  test('by a number that grows, after NaN and Infinity', () => {
    const growth = fc.oneof(fc.double({ min: 0, max: 1e300, noNaN: true }), fc.constantFrom('NaN', 'Infinity'))
    // NaN is the greatest, as Postgres has it.
    const place = (text: string) => ['Infinity', 'NaN'].indexOf(text)
    const compare = (a: string, b: string) => place(a) - place(b) || (place(a) < 0 ? Number(a) - Number(b) : 0)
    fc.assert(
      fc.property(fc.array(fc.tuple(growth, fc.boolean())), all => {
        const source = simulate(cursorOf('double precision'), compare)
        let grown = -1e299
        for (const [by, isScanned] of all) {
          if (typeof by === 'number') grown += by
          source.write(typeof by === 'number' ? String(grown) : by)
          if (isScanned) source.scan(begin)
        }
        source.scan(begin)
        expect(source.unseen()).toEqual([])
      }),
    )
  })
})

test('a cursor with a zone doesn’t trust a server whose clock is ahead', () => {
  const scanned = beganAt(now + 24 * 3_600_000, now)
  expect(lowerBound(timestamptz, { high: undefined, scannedAt: scanned }, now)).toBe('2026-03-01T11:55:00.000Z')
  expect(lowerBound(uuid, { high: 'ffffffff-ffff-7fff-bfff-ffffffffffff', scannedAt: scanned }, now)).toBe(
    '019ca940-7620-0000-0000-000000000000',
  )
})

test.each([
  ['timestamp with time zone', undefined],
  ['timestamp without time zone', undefined],
  ['date', undefined],
  ['uuid', undefined],
  // These don't depend on any clock.
  ['bigint', '2026'],
  ['text', '2026'],
])('after a scan that started in the future, the lower bound of %s is %s', (type, bound) => {
  const cursor = cursorOf(type)
  const checkpoint = { high: '2026', scannedAt }
  expect(isFromFuture(cursor, checkpoint, now)).toBe(false)
  expect(isFromFuture(cursor, checkpoint, now - 1)).toBe(bound === undefined)
  expect(lowerBound(cursor, checkpoint, now - 1)).toBe(bound)
})

describe('the lower bound of a scan that was rung for', () => {
  const earlier = '2026-03-01T11:00:00.123456+00:00'
  test.each<[string, BoundedCursor, Parameters<typeof rungBound>[1], string | undefined]>([
    ['is the greatest cursor seen', timestamptz, { high: '2026-02-01', rungHigh: earlier, scannedAt }, earlier],
    ['is that of scheduled scans before the first', timestamptz, { high: earlier, scannedAt }, earlier],
    ['is none where no row was seen', timestamptz, { high: undefined, scannedAt }, undefined],
    [
      'is where the last scan began, for a cursor from the future',
      timestamptz,
      { high: '2099-01-01', scannedAt },
      scannedAt,
    ],
    ['so is that of infinity', timestamptz, { high: 'infinity', scannedAt }, scannedAt],
    [
      'keeps all digits',
      cursorOf('numeric'),
      { high: '1', rungHigh: '9007199254740993.50', scannedAt },
      '9007199254740993.50',
    ],
    ['is none of numbers for what is greater than all', cursorOf('numeric'), { high: 'NaN', scannedAt }, undefined],
    ['has no lookback', cursorOf('bigint', 50), { high: '100', scannedAt }, '100'],
    ['of anything else is the greatest one', cursorOf('text'), { high: 'b', rungHigh: 'c', scannedAt }, 'c'],
  ])('%s', (_, cursor, checkpoint, bound) => {
    expect(rungBound(cursor, checkpoint, now)).toBe(bound)
  })
})
