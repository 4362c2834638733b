import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findAtPath, parseJsonPath } from '../../src/auth/json-path.ts'

describe('a JSON path', () => {
  test.each<[string, string[]]>([
    ['$', []],
    ['$.a.b', ['a', 'b']],
    ["$.a['c.d']", ['a', 'c.d']],
    ['$["https://hasura.io/jwt/claims"]', ['https://hasura.io/jwt/claims']],
    ["$['it\\'s']", ["it's"]],
    ['$.list[0].x', ['list', '0', 'x']],
    ["$.['a']", ['a']],
    ["$['']", ['']],
    // As Hasura's own parser.
    ['a.b', ['a', 'b']],
    ['.a.b', ['a', 'b']],
    ['$a', ['a']],
    ["a['b']c", ['a', 'b', 'c']],
    ["['https://hasura.io/jwt/claims']", ['https://hasura.io/jwt/claims']],
    ['$["\\u0061\\n\\/"]', ['a\n/']],
  ])('%s leads through %j', (path, names) => {
    expect(parseJsonPath(path)).toEqual(names)
  })

  test.each(['', '$$', '$a$', '$.', '$..a', "$['a", '$.a b', '$[a]', '$.a.', "$['a'"])('%j is none', path => {
    expect(parseJsonPath(path)).toBeUndefined()
  })

  test('of quoted names leads through just these names', () => {
    const names = fc.array(fc.string({ unit: 'binary' }), { maxLength: 5 })
    const quotes = fc.constantFrom("'", '"')
    fc.assert(
      fc.property(names, quotes, (wanted, quote) => {
        const escaped = wanted.map(name => name.replaceAll(/['"\\]/g, '\\$&'))
        expect(parseJsonPath(`$${escaped.map(name => `[${quote}${name}${quote}]`).join('')}`)).toEqual(wanted)
      }),
    )
  })

  test('finds nothing that is inherited', () => {
    expect(findAtPath({}, ['constructor'])).toBeUndefined()
    expect(findAtPath({ a: [1, { b: 2 }] }, ['a', '1', 'b'])).toBe(2)
    expect(findAtPath('text', ['length'])).toBeUndefined()
  })
})
