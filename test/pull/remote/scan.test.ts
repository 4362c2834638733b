import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { behind, from, orderBy, type ScanOrder, type Where } from '../../../src/pull/remote/scan.ts'

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
