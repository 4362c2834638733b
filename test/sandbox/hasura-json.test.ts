import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { difference } from './conformance/compare-json.ts'
import { parseJson, stringifyJson } from './hasura/lossless-json.ts'

describe('JSON that keeps its digits', () => {
  test.each(['9007199254740993', '0.10000000000000000001', '1.0', '1e400', '-0', '1.50'])(
    '%s comes out as it went in',
    text => {
      expect(stringifyJson(parseJson(`[${text}]`))).toBe(`[${text}]`)
    },
  )

  test('whatever JSON there is comes out as it went in', () => {
    fc.assert(
      fc.property(fc.json(), text => {
        const compact = JSON.stringify(JSON.parse(text))
        // An own property called __proto__ is the one thing that an object can't be built with.
        fc.pre(!compact.includes('__proto__'))
        expect(stringifyJson(parseJson(compact))).toBe(compact)
      }),
    )
  })
})

describe('what conformance calls different', () => {
  const differs = (actual: string, expected: string, how = {}) =>
    difference(parseJson(actual), parseJson(expected), how)

  test.each([
    ['{"a":1}', '{"a":2}'],
    ['{"a":9007199254740993}', '{"a":9007199254740992}'],
    ['{"a":1.0}', '{"a":1}'],
    ['{"a":"1"}', '{"a":1}'],
    ['{"a":null}', '{}'],
    ['{}', '{"a":null}'],
    ['[1,2]', '[2,1]'],
    ['[1]', '[1,1]'],
    ['{"m":"other"}', '{"m":{"$match":"^this"}}'],
  ])('%s is not %s', (actual, expected) => {
    expect(differs(actual, expected)).toMatch(/^\$/)
  })

  test('the order of members counts only where it is asked for, the order of a list unless it is a set', () => {
    expect(differs('{"a":1,"b":2}', '{"b":2,"a":1}')).toBeUndefined()
    expect(differs('{"a":1,"b":2}', '{"b":2,"a":1}', { ordered: true })).toBeDefined()
    expect(differs('[{"n":"b"},{"n":"a"}]', '[{"n":"a"},{"n":"b"}]', { sets: true })).toBeUndefined()
  })

  test('a pattern and anything fit', () => {
    expect(differs('{"m":"this one","x":[1]}', '{"m":{"$match":"^this"},"x":{"$any":true}}')).toBeUndefined()
  })
})
