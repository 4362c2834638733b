import { expect, test } from 'vitest'
import { readChoice } from '../../src/init/choose-tables.ts'

const tables = ['articles', 'users', '2nd', 'north.users']

test.each<[answer: string, chosen: readonly string[]]>([
  ['', []],
  ['  ', []],
  ['none', []],
  ['all', tables],
  [' ALL ', tables],
  ['2', ['users']],
  ['4, articles 4', ['north.users', 'articles']],
  ['2nd', ['2nd']],
])('%j chooses %j', (answer, chosen) => {
  expect(readChoice(answer, tables)).toEqual(chosen)
})

test('a table of that name goes before the word', () => {
  expect(readChoice('all', ['users', 'all'])).toEqual(['all'])
})

test.each([
  ['5', '"5" is not in the list: give numbers from 1 to 4, or names'],
  ['0', '"0" is not in the list'],
  ['article', 'did you mean articles?'],
  ['1-3', '"1-3" is not in the list'],
])('%j is refused', (answer, sentence) => {
  expect(() => readChoice(answer, tables)).toThrow(sentence)
})
