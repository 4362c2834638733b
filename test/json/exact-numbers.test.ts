import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseWithLargeAsText, parseWithRoundedAsText } from '../../src/json/exact-numbers.ts'

describe('parseWithLargeAsText', () => {
  test.each([
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740992', '-9007199254740992'],
    ['12345678901234567890', '12345678901234567890'],
    ['1e400', '1e400'],
    ['-1.5E+0400', '-1.5E+0400'],
    [`1${'0'.repeat(350)}.5`, `1${'0'.repeat(350)}.5`],
    ['9007199254740991', 9_007_199_254_740_991],
    ['-7', -7],
    ['1.50', 1.5],
    ['0.12345678901234567890', 0.123_456_789_012_345_68],
    ['12345678901234567890.5', 12_345_678_901_234_567_000],
    ['1e100', 1e100],
    ['1e-400', 0],
    ['"1234567890123456 and, 1234567890123456"', '1234567890123456 and, 1234567890123456'],
    ['null', null],
  ])('reads %s as %j, wherever it stands', (json, value) => {
    const layouts: [string, unknown][] = [
      [json, value],
      [`[${json}]`, [value]],
      [`[0,${json},0]`, [0, value, 0]],
      [`[0,\n${json}\t]`, [0, value]],
      [`{"a":{"b":${json}}}`, { a: { b: value } }],
      [`{"\\n":0, "\\"" :\r\n${json}}`, { '\n': 0, '"': value }],
    ]
    for (const [text, all] of layouts) expect(parseWithLargeAsText(text)).toEqual(all)
  })

  test('loses no digit of an integer', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), integer => {
        expect(String(parseWithLargeAsText(String(integer)))).toBe(String(integer))
      }),
    )
  })
})

describe('parseWithRoundedAsText', () => {
  test.each([
    ['9007199254740993', '9007199254740993'],
    ['1e400', '1e400'],
    ['90071992547609904', '90071992547609904'],
    ['9007199254740992', 9_007_199_254_740_992],
    ['1000000000000000000000', 1e21],
    ['0.12345678901234567890', 0.123_456_789_012_345_68],
  ])('reads %s as %j', (json, value) => {
    expect(parseWithRoundedAsText(`{"a":[0,${json}]}`)).toEqual({ a: [0, value] })
  })
})
