import { expect, test } from 'vitest'
import { chooseKey } from '../../src/add/choose-key.ts'
import { readThings } from './read-sdl.ts'

const namesOf = (columns: readonly { readonly name: string }[]) => columns.map(({ name }) => name)

const columns = 'id: uuid!\na: Int!\nb: Int\ndata: jsonb!\n_id: Int!\nkind: kinds_enum!'

test.each<[what: string, byKey: string, asked: string[] | undefined, key: object]>([
  ['that of the table', 'id: uuid!', undefined, { columns: ['id'], asserted: [] }],
  ['the one asked for', 'id: uuid!', ['a', 'id', 'a'], { columns: ['a', 'id'], asserted: [] }],
  ['one with a name that the mirror does not take', '_id: Int!', undefined, { columns: ['_id'], asserted: [] }],
  [
    'one that a view says nothing about, on the word of who asks',
    '',
    ['a', 'b'],
    { columns: ['a', 'b'], asserted: ['b'] },
  ],
  [
    'one that the role doesn’t see in every row',
    'b: Int!, a: Int!',
    undefined,
    { columns: ['b', 'a'], asserted: ['b'] },
  ],
  ['the same, asked for', 'b: Int!, a: Int!', ['a', 'b'], { columns: ['a', 'b'], asserted: ['b'] }],
])('the key is %s', (_what, byKey, asked, key) => {
  const chosen = chooseKey(readThings(columns, byKey), asked)
  expect({ columns: namesOf(chosen.columns), asserted: namesOf(chosen.asserted) }).toEqual(key)
})

test.each<[primaryKey: string[], ordered: string[]]>([
  [
    ['line_no', 'order_id'],
    ['order_id', 'line_no'],
  ],
  [
    ['article_id', 'kind', 'target_id'],
    ['article_id', 'target_id', 'kind'],
  ],
  [
    ['id', 'tenant_id'],
    ['tenant_id', 'id'],
  ],
  [
    ['at', 'deviceId', 'station'],
    ['deviceId', 'station', 'at'],
  ],
  [
    ['station', 'taken_on'],
    ['station', 'taken_on'],
  ],
  [
    ['paid', 'void'],
    ['paid', 'void'],
  ],
])(
  'of the primary key that the API tells as %j the likely order is %j, and it is known to be a guess',
  (key, ordered) => {
    const typed = key.map(name => `${name}: ${/^at$|_on$/.test(name) ? 'timestamptz' : 'Int'}!`)
    const chosen = chooseKey(readThings(typed.join('\n'), typed.join(', ')), undefined)
    expect({ names: namesOf(chosen.columns), guessed: chosen.isOrderGuessed }).toEqual({
      names: ordered,
      guessed: true,
    })
    expect(chooseKey(readThings(typed.join('\n'), typed.join(', ')), key)).toMatchObject({ isOrderGuessed: false })
  },
)

test.each<[what: string, byKey: string, asked: string[] | undefined, sentence: string]>([
  [
    'there is none',
    '',
    undefined,
    'This role sees no primary key of "things"; a view has none: give the columns that identify a row with --key, separated by commas (never null: id, a, _id)',
  ],
  [
    'a column is of an enum table',
    'a: Int!, kind: kinds_enum!',
    undefined,
    `"kind" of "things" can't be a key column: things_bool_exp has no _gt, _gte, _lt, _lte for it, because Hasura compares the values of an enum table only for equality: give other columns that identify a row with --key, such as a unique id, or name a view that shows it as text`,
  ],
  ['a column is not there', '', ['c'], '"things" has no column "c" for a key: choose among id, a, b, data, _id, kind'],
  ['a column has no order', '', ['data'], '"data" of "things" can\'t be a key column: its type, jsonb!, has no order'],
  [
    'a column of a table can be null',
    'id: uuid!',
    ['b'],
    'b of "things" can be null, so rows could lack a key: omit --key to use the primary key (id), or give columns that are never null',
  ],
])('is refused when %s', (_what, byKey, asked, sentence) => {
  expect(() => chooseKey(readThings(columns, byKey), asked)).toThrow(sentence)
})
