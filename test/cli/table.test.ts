import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { table } from '../../src/cli/table.ts'

describe('a table', () => {
  test('has its columns under their names, and a remark when there are no rows', () => {
    expect(
      table(
        [
          { a: 1, long: null },
          { a: 'x y', long: { b: 2 } },
        ],
        'none',
      ),
    ).toBe('a    long\n1    -\nx y  b 2\n')
    expect(table([], 'none')).toBe('none\n')
  })

  test('that is too wide is narrowed at its widest columns', () => {
    const rows = [{ id: '1', title: 'a rather long title', body: 'a body that is longer still' }]
    expect(table(rows, '', 30)).toBe('id  title         body\n1   a rather lo…  a body that…\n')
  })

  test('with more columns than the terminal has room for gives each value a line', () => {
    const row = Object.fromEntries(Array.from({ length: 9 }, (_none, n) => [`column_${n}`, 'x'.repeat(40)]))
    const text = table([row, row], '', 40)
    expect(text.split('\n\n')).toHaveLength(2)
    expect(text).toContain(`column_3  ${'x'.repeat(29)}…\n`)
  })

  test('counts two columns for wide characters, and none for marks', () => {
    expect(
      table(
        [
          { a: '編集', b: 1 },
          { a: 'e\u0301abc', b: 2 },
        ],
        '',
      ),
    ).toBe('a     b\n編集  1\ne\u0301abc  2\n')
  })

  test('shows what a terminal would obey, and what would end a line', () => {
    const text = table([{ 'a\u001b[2J': 'one\ntwo\u001b]0;x\u0007\u202e\t' }], '')
    expect(text).toBe('a\\u001b[2J\none\\ntwo\\u001b]0;x\\u0007\\u202e\\t\n')
  })

  test('fits the terminal, whatever it holds', () => {
    const cell = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer(), fc.constant(null))
    const row = fc.dictionary(fc.stringMatching(/^[a-z_]{1,20}$/), cell, { minKeys: 1, maxKeys: 12 })
    fc.assert(
      fc.property(row, fc.integer({ min: 30, max: 200 }), (only, width) => {
        for (const line of table([only], '', width).split('\n')) {
          // Wide characters take two columns: so no line has more characters than columns, marks excepted.
          expect([...line.replaceAll(/\p{Mark}/gu, '')].length).toBeLessThanOrEqual(width)
        }
      }),
      { numRuns: 40 },
    )
  })
})
