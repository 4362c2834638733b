import { expect, test } from 'vitest'
import { chooseCursor } from '../../src/add/choose-cursor.ts'
import { readThings } from './read-sdl.ts'

test.each<[column: string, asked: string | undefined, cursor: string | undefined]>([
  ['updated_at: timestamptz!', undefined, 'updated_at'],
  ['updatedAt: timestamp!', undefined, 'updatedAt'],
  ['Last_Modified: timestamptz!', undefined, 'Last_Modified'],
  ['updated_at: timestamptz!\nmodified_at: timestamptz', undefined, 'updated_at'],
  ['updated_at: timestamptz!\nmodified_at: timestamptz!', 'modified_at', 'modified_at'],
  ['revision: bigint!', 'revision', 'revision'],
  ['updated_on: date!', 'updated_on', 'updated_on'],
  ['weight: float8!', 'weight', 'weight'],
  ['id7: uuid!', 'id7', 'id7'],
  ['name: String!', 'none', undefined],
])('of %s, asked for %s, it is %s', (column, asked, cursor) => {
  expect(chooseCursor(readThings(`id: uuid!\n${column}`), asked)).toBe(cursor)
})

const readAll = 'give --cursor none to read and compare all rows every time'

test.each<[column: string, asked: string | undefined, sentence: string]>([
  [
    'updated_at: timestamptz!\nmodified_at: timestamptz!',
    undefined,
    'Several columns of "things" may grow with every change (updated_at timestamptz!, modified_at timestamptz!): say which one does with --cursor',
  ],
  ['name: String', undefined, `No column of "things" is called like one that grows with every change: ${readAll}`],
  [
    'created_at: timestamptz!\nrevision: bigint!\nupdated_at: String!',
    undefined,
    `No column of "things" is called like one that grows with every change: if one of created_at timestamptz!, revision bigint! grows with every change, give it with --cursor; ${readAll}`,
  ],
  [
    'updated_at: timestamptz',
    undefined,
    `"updated_at" of "things" can be null, and a pull would never meet the rows where it is: ${readAll}`,
  ],
  [
    'updated_at: timestamptz',
    'updated_at',
    `"updated_at" of "things" can be null, and a pull would never meet the rows where it is: ${readAll}`,
  ],
  [
    '_updated_at: timestamptz!',
    '_updated_at',
    `"_updated_at" of "things" begins with an underscore, which the mirror keeps for its own columns: give it another name in Hasura; ${readAll}`,
  ],
  ['name: String', 'nme', `"things" has no column "nme" for a cursor: ${readAll}`],
  ['opens: time!', 'opens', `"opens" of "things" is time!, which can't grow with every change: ${readAll}`],
  ['data: jsonb!', 'data', `"data" of "things" is jsonb!, which can't grow with every change: ${readAll}`],
])('of %s, asked for %s, it is refused', (column, asked, sentence) => {
  expect(() => chooseCursor(readThings(`id: uuid!\n${column}`), asked)).toThrow(sentence)
})
