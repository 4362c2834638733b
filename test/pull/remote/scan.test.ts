import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { PermanentError } from '../../../src/errors.ts'
import { among, behind, from, orderBy, type ScanOrder, type Where } from '../../../src/pull/remote/scan.ts'

type Row = Readonly<Record<string, string | number>>

/** Evaluates the part of Hasura's `where` that a scan uses. */
function matches(row: Row, where: Where): boolean {
  return Object.entries(where).every(([field, condition]) => {
    if (field === '_or') return (condition as Where[]).some(alternative => matches(row, alternative))
    return Object.entries(condition as Row).every(([operator, value]) => {
      const found = row[field] ?? Number.NaN
      expect(typeof value, `${field} is sent as its own type`).toBe(typeof found)
      if (operator === '_eq') return found === value
      if (operator === '_gt') return found > value
      if (operator === '_gte') return found >= value
      throw new Error(`a scan doesn't use ${operator}`)
    })
  })
}

function inOrder(rows: readonly Row[], order: readonly Record<string, string>[]): Row[] {
  const columns = order.flatMap(Object.keys)
  return rows.toSorted((a, b) => {
    const differing = columns.find(column => a[column] !== b[column])
    return differing === undefined ? 0 : (a[differing] ?? 0) < (b[differing] ?? 0) ? -1 : 1
  })
}

/** Pages as an API with a row limit of its own gives them, until one is empty. */
function scan(rows: readonly Row[], order: ScanOrder, pageSize: number, start: Where = {}): Row[] {
  const seen: Row[] = []
  let where = start
  for (;;) {
    const page = inOrder(rows, orderBy(order))
      .filter(row => matches(row, where))
      .slice(0, pageSize)
    const last = page.at(-1)
    if (!last) return seen
    seen.push(...page)
    if (seen.length > rows.length) return seen
    where = behind(
      order,
      order.columns.map(column => String(last[column])),
    )
  }
}

const noNumbers = new Set<string>()
const letters = fc.constantFrom('a', 'b', 'c')

describe('a scan page by page', () => {
  test('meets every row once and in order, whatever the ties, the key and the size of a page', () => {
    const rows = fc.uniqueArray(fc.record({ at: letters, k1: letters, k2: letters, k3: letters }), {
      selector: row => `${row.k1}${row.k2}${row.k3}`,
      maxLength: 27,
    })
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 9 }), (table, pageSize) => {
        const order = { columns: ['at', 'k1', 'k2', 'k3'], sentAsNumbers: noNumbers }
        expect(scan(table, order, pageSize)).toEqual(inOrder(table, orderBy(order)))
      }),
    )
  })

  test('works with a key of GraphQL’s own numbers, and with a cursor that is part of the key', () => {
    const rows = fc.uniqueArray(
      fc.record({ at: fc.integer({ min: -3, max: 3 }), id: fc.integer({ min: 0, max: 30 }) }),
      {
        selector: row => `${row.at}/${row.id}`,
        maxLength: 25,
      },
    )
    fc.assert(
      fc.property(
        rows,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(['id'], ['at', 'id'], ['id', 'at']),
        (table, pageSize, columns) => {
          const unique = columns.length > 1 ? table : [...new Map(table.map(row => [row.id, row])).values()]
          const order = { columns, sentAsNumbers: new Set(['at', 'id']) }
          expect(scan(unique, order, pageSize)).toEqual(inOrder(unique, orderBy(order)))
        },
      ),
    )
  })

  test('from a bound on meets the rows at the bound as well', () => {
    const table = ['a', 'b', 'b', 'c'].map((at, id) => ({ at, id: String(id) }))
    const order = { columns: ['at', 'id'], sentAsNumbers: noNumbers }
    expect(scan(table, order, 2, from(order, 'b'))).toEqual(table.slice(1))
  })
})

describe('queries by key', () => {
  test.each([[['id']], [['a', 'b']], [['a', 'b', 'c']]])('of %j fit into 8 KB, and find each key once', columns => {
    const values = fc.array(fc.string({ unit: 'binary', maxLength: 60 }), {
      minLength: columns.length,
      maxLength: columns.length,
    })
    fc.assert(
      fc.property(fc.uniqueArray(values, { selector: String, minLength: 1, maxLength: 200 }), keys => {
        const wheres = among({ columns, sentAsNumbers: noNumbers }, keys)
        const found = wheres.flatMap(where => {
          const condition = columns.length === 1 ? inList.parse(where).id._in : anyOf.parse(where)._or
          expect(condition.length === 1 || Buffer.byteLength(JSON.stringify(where)) < 6_000).toBe(true)
          return condition.map(each => (typeof each === 'string' ? [each] : columns.map(name => each[name]?._eq)))
        })
        expect(found).toEqual(keys)
      }),
      { numRuns: 25 },
    )
  })
})

const inList = z.object({ id: z.object({ _in: z.array(z.string()) }) })
const anyOf = z.object({ _or: z.array(z.record(z.string(), z.object({ _eq: z.string() }))) })

describe('decimals that the API compares as doubles', () => {
  const order = { columns: ['id'], sentAsNumbers: new Set(['id']), comparedAsDoubles: new Set(['id']) }
  const bound = z.object({ id: z.object({ _gt: z.number() }) })

  /** Its pages: in the order of the decimals, after a number that was parsed as a double. */
  const scanDoubles = (ids: readonly string[], pageSize: number): string[] => {
    const seen: string[] = []
    for (;;) {
      const last = seen.at(-1)
      const after =
        last === undefined
          ? Number.NEGATIVE_INFINITY
          : bound.parse(JSON.parse(JSON.stringify(behind(order, [last])))).id._gt
      const page = ids.filter(id => Number(id) > after).slice(0, pageSize)
      if (page.length === 0) return seen
      seen.push(...page)
    }
  }
  const refusal = expect.objectContaining({ code: 'digits-in-order' })

  test('are met once and in order, or the scan ends with an error', () => {
    const greatestExact = BigInt(Number.MAX_SAFE_INTEGER)
    const digits = fc.uniqueArray(fc.bigInt({ min: greatestExact - 30n, max: greatestExact + 30n }), { maxLength: 60 })
    const ends = new Set<string>()
    fc.assert(
      fc.property(
        digits,
        fc.nat({ max: 15 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 9 }),
        (all, scale, isNegative, size) => {
          const ids = all
            // Of a decimal that ends with zeros, the zeros may be missing.
            .filter(each => scale === 0 || each % 10n !== 0n)
            .map(each => (isNegative ? -each : each))
            .sort((a, b) => (a < b ? -1 : 1))
            .map(each => String(each).replace(new RegExp(`(\\d{${scale}})$`), scale === 0 ? '' : '.$1'))
          try {
            expect(scanDoubles(ids, size)).toEqual(ids)
            ends.add('complete')
          } catch (error) {
            if (!(error instanceof PermanentError)) throw error
            expect(error).toEqual(refusal)
            ends.add('refused')
          }
        },
      ),
    )
    expect(ends).toEqual(new Set(['complete', 'refused']))
  })

  test.each(['0', '-7', '12.50', '1764337200.123456', '9007199254740991', '-9007199254740991', '5.000000000000000000'])(
    'may be %s, which differs from its neighbours',
    id => expect(() => behind(order, [id])).not.toThrow(),
  )

  test('may be floats, which have no other digits', () => {
    expect(() => behind(order, ['9.007199254740993e+015'])).not.toThrow()
  })

  test.each([
    '9007199254740992',
    '-9007199254740993',
    '1000000000000000000',
    '1764337200.123456789',
    `0.${'3'.repeat(38)}`,
  ])('may not be %s, of which the message says nothing', id => {
    expect(() => behind(order, [id])).toThrow(refusal)
    expect(() => behind(order, [id])).not.toThrow(id)
  })

  test('are told by their column, wherever it stands in the order', () => {
    const wide = { ...order, columns: ['at', 'id'] }
    expect(() => behind(wide, ['2026-01-01', '9007199254740993'])).toThrow('"id" holds decimals')
    expect(() => behind({ ...wide, comparedAsDoubles: new Set() }, ['2026-01-01', '9007199254740993'])).not.toThrow()
  })
})

describe('a value goes back into a variable', () => {
  const sent = (text: string, sentAsNumbers = new Set(['at'])) =>
    JSON.stringify(from({ columns: ['at'], sentAsNumbers }, text))

  test.each([
    ['7', '7'],
    ['-0', '-0'],
    ['0.10', '0.10'],
    ['1e+20', '1e+20'],
    ['1e400', '1e400'],
    ['9007199254740993', '9007199254740993'],
    ['0.1234567890123456789012345', '0.1234567890123456789012345'],
    ['NaN', '"NaN"'],
    ['Infinity', '"Infinity"'],
    ['-Infinity', '"-Infinity"'],
    ['', '""'],
    ['007', '"007"'],
    ['yesterday', '"yesterday"'],
  ])('as GraphQL’s own number %s is %s, and never null', (text, json) => {
    expect(sent(text)).toBe(`{"at":{"_gte":${json}}}`)
  })

  test('digit by digit, whatever the type takes', () => {
    const numbers = fc.oneof(
      fc.double().map(String),
      fc.bigInt().map(String),
      fc.stringMatching(/^-?[1-9]\d{0,40}\.\d{1,40}$/),
    )
    fc.assert(
      fc.property(numbers, text => {
        expect(sent(text).replaceAll('"', '')).toBe(`{at:{_gte:${text}}}`)
        expect(sent(text, noNumbers)).toBe(`{"at":{"_gte":"${text}"}}`)
      }),
    )
  })
})
