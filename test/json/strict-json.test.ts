import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { UsageError } from '../../src/errors.ts'
import { parseStrictJson } from '../../src/json/strict-json.ts'

describe('JSON that a caller wrote', () => {
  test.each<[string, string, string]>([
    [
      'nested too deeply',
      '['.repeat(33) + ']'.repeat(33),
      'The JSON is nested more than 32 levels deep: make it flatter',
    ],
    ['nested without an end', '['.repeat(520_000), 'The JSON is nested more than 32 levels deep: make it flatter'],
    ['nested deeply in objects', '{"a":'.repeat(40), 'The JSON is nested more than 32 levels deep: make it flatter'],
    ['with a NUL', '{"a": "\\u0000"}', 'The text at character 7 contains a NUL character or an unpaired surrogate'],
    ['with a NUL in a name', '{"\\u0000": 1}', 'The text at character 2 contains a NUL'],
    ['with the first half of a pair', '["\\ud83d"]', 'The text at character 2 contains a NUL'],
    ['with the second half of a pair', '["\\ude00\\ud83d"]', 'The text at character 2 contains a NUL'],
    [
      'with a name twice',
      '{"a": 1, "b": {"a": 1}, "\\u0061" : 2}',
      'The name at character 25 appears twice in its object',
    ],
    ['with __proto__', '{"a": {"__proto__": {"isAdmin": true}}}', 'The name at character 8 is reserved'],
    ['with an escaped __proto__', '{"\\u005f_proto__": 1}', 'The name at character 2 is reserved'],
    [
      'with the way through a constructor',
      '{"constructor": {"prototype": {}}}',
      'The name at character 18 is reserved',
    ],
    ['with a number out of range', '{"a": 1e400}', "The number at character 7 can't be stored exactly"],
    ['with a negative number out of range', '[-1e400]', "The number at character 2 can't be stored"],
    ['with a number that is nearly nothing', '[1e-400]', "The number at character 2 can't be stored"],
    ['with a number of too many digits', '[9007199254740993]', "The number at character 2 can't be stored"],
    ['with 17 digits that are no double’s', '[0.12345678901234567]', "The number at character 2 can't be stored"],
    ['that is written with other digits', '[90071992547609904]', "The number at character 2 can't be stored"],
    ['with a fraction of too many digits', '[0.1000000000000000055]', "The number at character 2 can't be stored"],
    ['with an exponent of too many digits', `[1e${'9'.repeat(400)}]`, "The number at character 2 can't be stored"],
  ])('%s is refused with its place', (_what, text, sentence) => {
    expect(() => parseStrictJson(text)).toThrow(UsageError)
    expect(() => parseStrictJson(text)).toThrow(sentence)
  })

  test.each(['', '{', '{"a": }', '"\\"\\"\\"', '\u{feff}1', "{'a': 1}", '01', 'NaN', '[1,]', '"\\x"', '{"a":1}}'])(
    'that is none is left to the parser: %j',
    text => expect(() => parseStrictJson(text)).toThrow(SyntaxError),
  )

  test.each([
    ['[12.50, 1.0, -0, 0.0, 1E2, 1e+2, 100e-2, 1e22, 5e-324, 1.7976931348623157e308]'],
    ['{"constructor": 1, "prototype": {"constructor": 2}, "toString": null}'],
    ['{"a": {"x": 1}, "b": {"x": 1}, "c": [{"x": 1}, {"x": 1}]}'],
    ['["\\ud83d\\ude00 \\" [[[[ {\\\\", "😀", "\\u0001"]'],
    [`${'['.repeat(32)}${']'.repeat(32)}`],
  ])('is otherwise what it says: %s', text => {
    expect(parseStrictJson(text)).toEqual(JSON.parse(text))
  })

  test('is taken when it was written by JSON.stringify from what can be stored', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' }), value => {
        const text = JSON.stringify(value)
        fc.pre(!text.includes('__proto__') && !text.includes('\\u0000'))
        expect(parseStrictJson(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  test.each(['toString', 'toPrecision'] as const)('has doubles as other languages write them: %s', spelling => {
    const numbers = fc.double({ noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(numbers, number => {
        const text = spelling === 'toString' ? String(number) : number.toPrecision(17)
        fc.pre(!/^-?\d+$/.test(text) || text === String(number))
        expect(parseStrictJson(text)).toBe(Number(text))
      }),
    )
  })

  test('is never taken for another value than it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[[\]{},:"\\0-9eE.+\- abu]{0,30}$/), text => {
        let value: unknown
        try {
          value = parseStrictJson(text)
        } catch (error) {
          expect(error instanceof SyntaxError || error instanceof UsageError).toBe(true)
          return
        }
        expect(value).toEqual(JSON.parse(text))
      }),
      { numRuns: 1_000 },
    )
  })
})
