import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { extractRows, sliceRows } from '../../src/hasura/rows-text.ts'

// As Hasura writes them: all columns have names of GraphQL's, and the first is the same in every row.
const column = fc.stringMatching(/^[a-z_][a-z0-9_]{0,3}$/)
const row = fc.tuple(fc.jsonValue(), fc.dictionary(column, fc.jsonValue())).map(([id, others]) => ({ id, ...others }))
const rows = fc.array(row, { maxLength: 5 })

describe('the rows of an answer', () => {
  test('are cut out as they were written, with their number and the last one, whatever they hold', () => {
    fc.assert(
      fc.property(rows, list => {
        const body = JSON.stringify({ data: { things: list } })
        const text = JSON.stringify(list)
        // As Postgres' json_agg writes a list.
        const spread = `[${list.map(each => JSON.stringify(each)).join(', \n ')}]`
        const last = list.length > 0 ? JSON.stringify(list.at(-1)) : undefined
        expect(sliceRows(body, 'things')).toEqual({ text, count: list.length, last })
        expect(extractRows(body, 'things')).toEqual({ text, count: list.length, last })
        expect(sliceRows(`{"data":{"things":${spread}}}`, 'things')).toEqual({ text: spread, count: list.length, last })
      }),
      {
        examples: [
          [[{ id: '},{"id":' }, { id: [{ id: 1 }, { id: 2 }] }]],
          [[{ id: { id: { id: 1 } } }, { id: '\\"},{"id":' }]],
        ],
        numRuns: 300,
      },
    )
  })

  test.each([
    ['another root field', '{"data":{"others":[{"a":1}]}}'],
    ['two root fields', '{"data":{"things":[{"a":1}],"others":[{"a":1}]}}'],
    ['something behind the data', '{"data":{"things":[{"a":1}]},"extensions":{"x":[]}}'],
    ['errors beside it', '{"data":{"things":[]},"errors":[{"path":[]}]}'],
    ['errors that end alike', '{"data":{"things":[]},"errors":{"a":[]}}'],
    ['no list', '{"data":{"things":null}}'],
    ['a body that is cut off', '{"data":{"things":[{"a":"]}}'],
    ['a list that closes too early', '{"data":{"things":[]]}}'],
  ])('are not cut out of an answer with %s', (_what, body) => {
    expect(sliceRows(body, 'things')).toBeUndefined()
  })

  test('of an answer that is written in another way keep their digits', () => {
    const body = '{ "data": { "things": [ { "n": 9007199254740993.10 }, { "n": 1e400 } ] } }'
    expect(sliceRows(body, 'things')).toBeUndefined()
    expect(extractRows(body, 'things')).toEqual({
      text: '[{"n":9007199254740993.10},{"n":1e400}]',
      count: 2,
      last: '{"n":1e400}',
    })
    expect(extractRows('{"data":{"things":null}}', 'things')).toBeUndefined()
  })
})
