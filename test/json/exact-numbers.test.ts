import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isExact,
  parseKeepingDigits,
  parseWithLargeAsText,
  parseWithRoundedAsText,
  toPlain,
  withDigits,
} from '../../src/json/exact-numbers.ts'
import { parseJson } from '../../src/json/parse-json.ts'

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

/** With texts that hold numbers, and numbers in all spellings. */
const document = fc.letrec<{ value: unknown }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    fc
      .tuple(
        fc.stringMatching(/^-?(0|[1-9]\d{0,3}|[1-9]\d{14,20})$/),
        fc.constantFrom('', '.5', '.9007199254740993', '.00'),
        fc.constantFrom('', 'e5', 'E-9007199254740993', 'e+0300', 'e400'),
      )
      .map(parts => JSON.rawJSON(parts.join(''))),
    fc
      .array(fc.constantFrom('"', '\\', ', ', ':', '1234567890123456', '9007199254740993', '1e400', '\n', 'é', '.5'))
      .map(parts => parts.join('')),
    fc.constantFrom(null, true, 0),
    fc.array(tie('value')),
    fc.dictionary(fc.constantFrom('a', '"', ': 9007199254740993', '\\'), tie('value')),
  ),
})).value

test('numbers become text as a reviver would make them', () => {
  function revived(text: string, isKept: (value: number, source: string) => boolean): unknown {
    return parseJson(text, (_name, value, context) => {
      const source = context?.source
      if (typeof value !== 'number' || source === undefined || isKept(value, source)) return value
      return /^-?\d+$/.test(source) || !Number.isFinite(value) ? source : value
    })
  }
  fc.assert(
    fc.property(document, fc.constantFrom(0, 1), (value, space) => {
      const text = JSON.stringify(value, undefined, space)
      expect(parseWithLargeAsText(text)).toEqual(revived(text, Number.isSafeInteger))
      expect(parseWithRoundedAsText(text)).toEqual(revived(text, (_value, source) => isExact(source)))
    }),
    { numRuns: 500 },
  )
})

test.each([
  '09007199254740993',
  '[9007199254740993.]',
  '{9007199254740993:1}',
  '{ 9007199254740993:1}',
  '{"a":1,9007199254740993 :2}',
  '{"b":1e400,1e400:1}',
  '+9007199254740993',
  '["a,9007199254740993]',
  '["a,9007199254740993,9007199254740993]',
  '[1e400e]',
  '[.1e400]',
  '[9007199254740993 9007199254740993]',
  '[9007199254740993,\\"a"]',
])('%s is no JSON', text => {
  expect(() => parseWithLargeAsText(text)).toThrow(SyntaxError)
})

test('a text that was cut off, or has millions of escapes, is nothing special', () => {
  const escapes = '\\"'.repeat(4_000_000)
  expect(() => parseWithLargeAsText(`[9007199254740993,"${escapes}`)).toThrow(SyntaxError)
  expect(parseWithLargeAsText(`[9007199254740993,"${escapes}"]`)).toEqual(['9007199254740993', '"'.repeat(4_000_000)])
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

describe('toPlain', () => {
  test.each([
    ['12.50', 12.5],
    ['1e2', 100],
    ['-0', -0],
    ['0.30000000000000004', 0.1 + 0.2],
    ['9007199254740993', '9007199254740993'],
    ['0.1234567890123456789', '0.1234567890123456789'],
    ['1e400', '1e400'],
    ['7', 7],
    ['"12.50"', '12.50'],
    ['null', null],
  ])('gives %s as %j, and its digits come back', (json, value) => {
    for (const around of [json, `[0,${json}]`, `{"__proto__":${json},"b":[${json}]}`]) {
      const exact = parseKeepingDigits(around)
      const origins = new WeakMap()
      const plain = toPlain(exact, origins)
      if (around === json) expect(plain).toEqual(value)
      if (around === `[0,${json}]`) expect(plain).toEqual([0, value])
      expect(JSON.stringify(withDigits(plain, exact, origins))).toBe(around)
    }
  })

  test('what was changed, added or replaced stays so', () => {
    const exact = parseKeepingDigits('{"a":1.50,"b":[2.50,3.50],"c":{"d":4.50},"e":5.50}')
    const origins = new WeakMap()
    const at = new Date(0)
    const changed = { ...Object(toPlain(exact, origins)), a: 1.25, b: [2.5], c: at, f: 5.5 }
    expect(JSON.stringify(withDigits(changed, exact, origins))).toBe(
      `{"a":1.25,"b":[2.50],"c":"${at.toISOString()}","e":5.50,"f":5.5}`,
    )
  })
})
