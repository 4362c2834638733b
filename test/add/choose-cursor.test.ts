import { expect, test } from 'vitest'
import { chooseCursor } from '../../src/add/choose-cursor.ts'
import { readRootField } from '../../src/add/root-field.ts'
import { readSdl, readThings } from './read-sdl.ts'

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
  ['_updated_at: timestamptz!', undefined, '_updated_at'],
  ['UpdatedAt: datetime2!', undefined, 'UpdatedAt'],
  ['UpdatedAt: datetimeoffset!', undefined, 'UpdatedAt'],
  ['name: String!', 'none', undefined],
  ['updated_at: mood!', 'updated_at', 'updated_at'],
])('of %s, asked for %s, it is %s', (column, asked, cursor) => {
  expect(chooseCursor(readThings(`id: uuid!\n${column}`), asked)?.name).toBe(cursor)
})

const makeNotNull = "make it not null in the API's database"
const readAll = 'give --cursor none to read and compare all rows in every run'

test.each<[column: string, asked: string | undefined, sentence: string]>([
  [
    'updated_at: timestamptz!\nmodified_at: timestamptz!',
    undefined,
    'Several columns of "things" may grow with every change (updated_at timestamptz!, modified_at timestamptz!): choose one with --cursor',
  ],
  [
    'name: String',
    undefined,
    `No column of "things" has the name of one that grows with every change, such as updated_at: ${readAll}`,
  ],
  [
    'created_at: timestamptz!\nrevision: bigint!\nname: String!',
    undefined,
    `No column of "things" has the name of one that grows with every change, such as updated_at: if one of created_at timestamptz!, revision bigint! grows with every change, choose it with --cursor; ${readAll}`,
  ],
  [
    'updated_at: timestamptz',
    undefined,
    `"updated_at" of "things" can be null, and a pull would never find rows where it is null: ${makeNotNull}; ${readAll}`,
  ],
  [
    'updated_at: timestamptz',
    'updated_at',
    `"updated_at" of "things" can be null, and a pull would never find rows where it is null: ${makeNotNull}; ${readAll}`,
  ],
  ...['mood', 'String'].map((type): [string, undefined, string] => [
    `updated_at: ${type}!`,
    undefined,
    `"updated_at" of "things" has type ${type}!, which is no instant: only the API knows its order, so rows that are committed late would be missed until the next sweep: give --cursor updated_at to choose it all the same; ${readAll}`,
  ]),
  [
    'updated_at: bigint!',
    undefined,
    `"updated_at" of "things" has type bigint!, which is no instant: if one of updated_at bigint! grows with every change, choose it with --cursor; ${readAll}`,
  ],
  [
    'updated_at: jsonb!',
    undefined,
    `"updated_at" of "things" can't be the cursor: its type, jsonb!, has no order: ${readAll}`,
  ],
  [
    'updated_at: mood',
    undefined,
    `"updated_at" of "things" can be null, and a pull would never find rows where it is null: ${makeNotNull}; ${readAll}`,
  ],
  ['name: String', 'nme', `"things" has no column "nme" for a cursor: ${readAll}`],
  [
    'opens: time!',
    'opens',
    `"opens" of "things" can't be the cursor: its type, time!, can't grow with every change: ${readAll}`,
  ],
  ['data: jsonb!', 'data', `"data" of "things" can't be the cursor: its type, jsonb!, has no order: ${readAll}`],
])('of %s, asked for %s, it is refused', (column, asked, sentence) => {
  expect(() => chooseCursor(readThings(`id: uuid!\n${column}`), asked)).toThrow(sentence)
})

test('all columns of a view can be null, whatever its database does', () => {
  expect(() => chooseCursor(readThings('id: uuid\nupdated_at: timestamptz', ''), undefined)).toThrow(
    `"updated_at" of "things" can be null, and a pull would never find rows where it is null: ${readAll}`,
  )
})

test('under graphql-default the scalars have a capital', () => {
  const schema = readSdl(`
    scalar Timestamptz scalar Uuid
    enum OrderBy { ASC DESC }
    type Things { id: Uuid! updatedAt: Timestamptz! }
    input Comparison { _eq: Int _gt: Int _gte: Int _lt: Int _lte: Int }
    input ThingsBoolExp { id: Comparison updatedAt: Comparison }
    input ThingsOrderBy { id: OrderBy updatedAt: OrderBy }
    extend type query_root { things(where: ThingsBoolExp, orderBy: [ThingsOrderBy!], limit: Int): [Things!]! }`)
  expect(chooseCursor(readRootField('things', schema), undefined)?.name).toBe('updatedAt')
})

test('in a source of BigQuery a Timestamp is an instant', () => {
  const schema = readSdl(`
    scalar Timestamp
    type events { id: Int! updated_at: Timestamp! }
    input Int_BigQuery_comparison_exp { _eq: Int _gt: Int _gte: Int _lt: Int _lte: Int }
    input Timestamp_BigQuery_comparison_exp { _eq: Timestamp _gt: Timestamp _gte: Timestamp _lt: Timestamp _lte: Timestamp }
    input events_bool_exp { id: Int_BigQuery_comparison_exp updated_at: Timestamp_BigQuery_comparison_exp }
    input events_order_by { id: order_by updated_at: order_by }
    extend type query_root { events(where: events_bool_exp, order_by: [events_order_by!], limit: Int): [events!]! }`)
  expect(chooseCursor(readRootField('events', schema), undefined)?.name).toBe('updated_at')
})
