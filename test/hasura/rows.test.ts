import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findRows, parseRows, type Rows, rowsOf, textsAt } from '../../src/hasura/rows.ts'

// As GraphQL answers: every row has the columns of the selection in their order, whatever they hold.
const lists = fc
  .uniqueArray(fc.stringMatching(/^[a-z_][a-z0-9_]{0,3}$/), { minLength: 1, maxLength: 4 })
  .chain(names =>
    fc.array(fc.tuple(...names.map(() => fc.jsonValue({ stringUnit: 'binary' }))).map(values => zip(names, values))),
  )

const zip = (names: readonly string[], values: readonly unknown[]) =>
  names.map((name, at): [string, unknown] => [name, values[at]])

type Entries = readonly (readonly [string, unknown])[]

/** Compact, as row_to_json writes; or with spaces, as json_build_object and somebody's own serializer do. */
const compact = (row: Entries) => `{${row.map(([name, value]) => `"${name}":${JSON.stringify(value)}`).join(',')}}`
const spaced = (row: Entries) =>
  `{ ${row.map(([name, value]) => `"${name}" : ${JSON.stringify(value, null, ' ')}`).join(', ')} }`

const find = (body: string) => findRows(Buffer.from(body), 'things')
const parse = (body: string) => parseRows(body, 'things')

const texts = (rows: Rows | undefined) =>
  rows &&
  Array.from({ length: rows.count }, (_, row) =>
    rows.names.map(name => [name, rows.column(name)?.text(row) ?? 'absent']),
  )

describe('the rows of an answer', () => {
  test('are found as they were written, whatever they hold', () => {
    fc.assert(
      fc.property(lists, list => {
        for (const [write, gap, pad] of [
          [compact, ',', ''],
          // What Postgres' json_agg writes between objects and between records.
          [compact, ', ', ''],
          [compact, ', \n ', ''],
          [spaced, '\t,\r\n', ' '],
        ] as const) {
          const space = write === spaced ? ' ' : undefined
          const body = `{"data":{"things":[${pad}${list.map(write).join(gap)}${list.length > 0 ? pad : ''}]}}`
          const written = list.map(row => row.map(([name, value]) => [name, JSON.stringify(value, null, space)]))
          expect(texts(find(body))).toEqual(written)
        }
        const values = list.map(row => row.map(([name, value]) => [name, JSON.stringify(value)]))
        expect(texts(parse(`{"data":{"things":[${list.map(spaced)}]}}`))).toEqual(values)
      }),
      {
        examples: [
          [[[['id', '},{"id":']], [['id', [{ id: 1 }, { id: '\\"}' }]]]]],
          [[[['id', '\\\\"'], ['a', {}]], [['id', '\\'], ['a', null]]]], // biome-ignore format: one row a line
        ],
        numRuns: 300,
      },
    )
  })

  test.each([
    ['another root field', '{"data":{"others":[{"a":1}]}}'],
    ['two root fields', '{"data":{"things":[{"a":1}],"others":[{"a":1}]}}'],
    ['something after the data', '{"data":{"things":[{"a":1}]},"extensions":{"x":[]}}'],
    ['errors beside it', '{"data":{"things":[]},"errors":[{"path":[]}]}'],
    ['errors that end alike', '{"data":{"things":[]},"errors":{"a":[]}}'],
    ['no list', '{"data":{"things":null}}'],
    ['a body that is cut off', '{"data":{"things":[{"a":"]}}'],
    ['a list that closes too early', '{"data":{"things":[]]}}'],
    ['a row that closes too early', '{"data":{"things":[{"a":1},{"b":2}]}}'],
    ['columns in another order', '{"data":{"things":[{"a":1,"b":2},{"b":2,"a":1}]}}'],
    ['a column less', '{"data":{"things":[{"a":1,"b":2},{"a":1}]}}'],
    ['a column more', '{"data":{"things":[{"a":1},{"a":1,"b":2}]}}'],
    ['rows without columns', '{"data":{"things":[{},{}]}}'],
    ['rows that are no objects', '{"data":{"things":[1,2]}}'],
    ['no value', '{"data":{"things":[{"a":1},{"a":}]}}'],
    ['no comma', '{"data":{"things":[{"a":1}{"a":1}]}}'],
    ['a comma too many', '{"data":{"things":[{"a":1},]}}'],
    ['no colon', '{"data":{"things":[{"a":1},{"a" 1}]}}'],
    ['a word that is none', '{"data":{"things":[{"a":1},{"a":tr"ue}]}}'],
  ])('are not found in an answer with %s', (_what, body) => {
    expect(find(body)).toBeUndefined()
  })

  test.each(['-', '01', '.5', '1.', '1.e5', '1e', '1e+', '+1', 'NaN', 'nul', 'truth'])(
    'are not found in an answer with %s for a value',
    value => expect(find(`{"data":{"things":[{"a":1},{"a":${value}}]}}`)).toBeUndefined(),
  )

  test.each(['0', '-0', '10', '-1.50', '0.1e5', '1E-5', '2e+10', 'true', 'false', 'null'])(
    'are found with %s for a value',
    value => {
      expect(texts(find(`{"data":{"things":[{"a":${value}}]}}`))).toEqual([[['a', value]]])
    },
  )

  test.each(['{"data":{"north":{"things":[{"a":1.50}]}}}', '{ "data": { "north": { "things": [ { "a": 1.50 } ] } } }'])(
    'are found in a namespace: %s',
    body => {
      const found = findRows(Buffer.from(body), 'north.things') ?? parseRows(body, 'north.things')
      expect(texts(found)).toEqual([[['a', '1.50']]])
      expect(find(body) ?? parse(body)).toBeUndefined()
    },
  )

  test('of an answer that isn’t UTF-8 are those that can be read', () => {
    const body = Buffer.from('{"data":{"things":[{"a":"\xe4"}]}}', 'latin1')
    expect(findRows(body, 'things')).toBeUndefined()
    expect(texts(parse(new TextDecoder().decode(body)))).toEqual([[['a', '"\ufffd"']]])
  })

  test('of an answer that is written in another way keep their digits', () => {
    const body = '{ "data": { "things": [ { "n": 9007199254740993.10 }, { "n": 1e400 } ] } }'
    expect(find(body)).toBeUndefined()
    expect(texts(parse(body))).toEqual([[['n', '9007199254740993.10']], [['n', '1e400']]])
    expect(parse('{"data":{"things":null}}')).toBeUndefined()
  })
})

test('the columns of an answer are those that every row has', () => {
  const body = '{"data":{"things":[{"a":1,"b":null,"c":3},{"d":4,"b":2,"a":1}]}}'
  expect(find(body)).toBeUndefined()
  expect(parse(body)?.names).toEqual(['a', 'b'])
})

describe('the texts of a row', () => {
  test('have every digit, of bigints and of long numerics alike, also of fractions that a double doesn’t hold', () => {
    const digits = fc.tuple(
      fc.boolean(),
      fc.stringMatching(/^[1-9][0-9]{0,30}$/),
      fc.option(fc.stringMatching(/^[0-9]{1,25}$/)),
    )
    const number = digits.map(
      ([minus, whole, fraction]) => `${minus ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}`,
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(number, fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 5 }), rows => {
        const list = rows.map(([n, s]) => `{"n":${n},"nested":{"n":1},"s":${JSON.stringify(s)}}`)
        for (const findAny of [find, parse]) {
          const found = findAny(`{"data":{"things":[${list}]}}`) ?? expect.fail()
          expect(rows.map((_, row) => textsAt(found, row, ['n', 's']))).toEqual(rows)
        }
      }),
    )
  })

  test.each([[{ id: null }], [{}]])('are wanted of columns that are never null, as one of %j is', row => {
    expect(() => textsAt(rowsOf([row]), 0, ['id'])).toThrow('"id" is null in a row')
  })
})

describe('rows of an author', () => {
  test.each([
    [Number.NaN, '"NaN"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    [new Date('n/a'), '"Invalid Date"'],
    [9_007_199_254_740_993n, '9007199254740993'],
    [{ n: Number.NaN }, '{"n":null}'],
    [null, 'null'],
    [undefined, 'null'],
  ])('are written without losing a value: %s as %s', (value, json) => {
    expect(texts(rowsOf([{ a: value }]))).toEqual([[['a', json]]])
  })
})
