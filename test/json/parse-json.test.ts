import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/json/parse-json.ts'

/** Names of one and two characters that need an escape, and such that an engine could take for them. */
const names = fc.string({
  unit: fc.constantFrom('"', '\\', '\n', '\u0000', '/', 'n', '=', '\ue000', '1', ':'),
  maxLength: 3,
})
const values = fc.letrec(tie => ({
  value: fc.oneof({ maxDepth: 4 }, fc.constantFrom(0, 'a\\"b', '":', null), tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  object: fc.uniqueArray(fc.tuple(names, tie('value')), { selector: ([name]) => name, maxLength: 4 }).map(entries),
})).value

describe('parseJson', () => {
  it('is the same in the client, which depends on nothing', () => {
    const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

    expect(read('packages/client/src/parse-json.ts')).toBe(read('src/json/parse-json.ts'))
  })

  it('gets each name after an object of the same shape had a backslash there', () => {
    JSON.parse('{"=":0,"\\\\":0}')

    expect(Object.keys(Object(parseJson('{"=":0,"\\n":1}')))).toEqual(['=', '\n'])
  })

  it('gets what was written, in any order of texts', () => {
    const texts = fc.array(fc.tuple(values, fc.constantFrom(0, 1, '\t')), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(texts, written => {
        for (const [value, indent] of written) {
          const text = JSON.stringify(value, undefined, indent)

          expect(JSON.stringify(parseJson(text), undefined, indent)).toBe(text)
        }
      }),
    )
  })

  it('reads an escape wherever a name has one, and any escape', () => {
    fc.assert(
      fc.property(fc.uniqueArray(names, { minLength: 1, maxLength: 5 }), fc.nat(), (keys, at) => {
        const spellings = keys.map((key, index) => spell(key, (at >> index) % 2 === 1))
        const text = `{${spellings.map((name, index) => `${name} \r\n:${index}`).join()}}`

        expect(parseJson(text)).toEqual(entries(keys.map((key, index) => [key, index])))
      }),
    )
  })

  it('takes no decoded name for one of those that it puts in its place', () => {
    expect(parseJson('{"\\ue0001":0,"\\n":1}')).toEqual({ '\ue0001': 0, '\n': 1 })
  })

  it('lets nothing reach the prototype', () => {
    const value = Object(parseJson('{"\\u005f_proto__":{"admin":true}}'))

    expect(Object.keys(value)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  it('gives the numbers of objects with escaped names to the reviver', () => {
    const sources: unknown[] = []
    parseJson('{"\\n":1.50}', (_name, value, context) => {
      if (typeof value === 'number') sources.push(context?.source)
      return value
    })

    expect(sources).toEqual(['1.50'])
  })

  it('reads deeply nested values', () => {
    const depth = 20_000

    expect(() => parseJson(`${'{"\\n":'.repeat(depth)}1${'}'.repeat(depth)}`)).not.toThrow()
  })

  it.each(['{"\\x":1}', '{"\\":1}', '{"\\n:1}', '\\":1', '{"a\\n":}', '{"\\u12":1}', '"\\', ''])('refuses %s', text => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  })
})

/** With `__proto__` as a name like any other. */
function entries(written: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(written)
}

function spell(name: string, isEscaped: boolean): string {
  if (!isEscaped) return JSON.stringify(name)
  return `"${name.replaceAll(/./gs, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}
