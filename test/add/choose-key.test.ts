import { expect, test } from 'vitest'
import { chooseKey } from '../../src/add/choose-key.ts'
import { readThings } from './read-sdl.ts'

const columns = 'id: uuid!\na: Int!\nb: Int\ndata: jsonb!\n_id: Int!'

test.each<[what: string, byKey: string, asked: string[] | undefined, key: object]>([
  ['that of the table', 'id: uuid!', undefined, { columns: ['id'], asserted: [] }],
  ['the one asked for', 'id: uuid!', ['a', 'id', 'a'], { columns: ['a', 'id'], asserted: [] }],
  [
    'one that a view says nothing about, on the word of who asks',
    '',
    ['a', 'b'],
    { columns: ['a', 'b'], asserted: ['b'] },
  ],
])('the key is %s', (_what, byKey, asked, key) => {
  expect(chooseKey(readThings(columns, byKey), asked)).toEqual(key)
})

test.each<[what: string, byKey: string, asked: string[] | undefined, sentence: string]>([
  [
    'there is none',
    '',
    undefined,
    '"things" has no primary key that this role sees, as a view has none: give the columns that tell a row from all others with --key, separated by commas (never null: id, a, data)',
  ],
  ['a column has a name that the mirror does not', '', ['_id'], '"_id" of "things" begins with an underscore'],
  ['a column is not there', '', ['c'], '"things" has no column "c" for a key: it has id, a, b, data, _id'],
  ['a column has no order', '', ['data'], '"data" of "things" is jsonb!, by which rows can\'t be ordered'],
  [
    'a column of a table can be null',
    'id: uuid!',
    ['b'],
    'b of "things" can be null, so rows would be without a key: leave --key out for the primary key (id), or give columns that are never null',
  ],
])('is refused when %s', (_what, byKey, asked, sentence) => {
  expect(() => chooseKey(readThings(columns, byKey), asked)).toThrow(sentence)
})
