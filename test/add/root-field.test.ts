import { describe, expect, test } from 'vitest'
import { findJobNames } from '../../src/add/job-names.ts'
import { renderOperation } from '../../src/add/render-operation.ts'
import { readRootField } from '../../src/add/root-field.ts'
import { describeTable, listArguments, readSdl, readThings } from './read-sdl.ts'

test('reads the columns, and nothing that is nested or takes arguments', () => {
  const root = readRootField(
    'things',
    readSdl(
      describeTable(
        'things',
        `id: uuid!
         data(path: String): jsonb
         kind: kinds_enum!
         mood: mood!
         tags: [String!]
         label(separator: String): String
         distance(args: distance_args!): Int
         full_name: String
         parent: things
         children${listArguments('things')}: [things!]!
         _deleted_at: timestamptz`,
        'id: uuid!',
      ),
      'input distance_args { of: Int }',
    ),
  )
  expect(root.columns.map(({ name, mirrorName, type, comparedAs }) => [name, mirrorName, type, comparedAs])).toEqual([
    ['id', 'id', 'uuid!', 'uuid'],
    ['data', 'data', 'jsonb', 'jsonb'],
    ['kind', 'kind', 'kinds_enum!', 'text'],
    ['mood', 'mood', 'mood!', 'text'],
    ['tags', 'tags', '[String!]', 'jsonb'],
    ['full_name', 'full_name', 'String', 'text'],
    ['_deleted_at', 'column_deleted_at', 'timestamptz', 'timestamp with time zone'],
  ])
  expect(root.columns.map(({ nullable }) => nullable)).toEqual([false, true, false, false, true, true, true])
  expect(root.primaryKey).toEqual(['id'])
})

describe('the primary key', () => {
  test('has several columns, in the order of the arguments', () => {
    expect(readThings('a: Int!\nb: Int!', 'b: Int!, a: Int!').primaryKey).toEqual(['b', 'a'])
  })

  test('is known by its shape, whatever the field is called', () => {
    const sdl = readSdl(describeTable('things', 'id: uuid!'), 'extend type query_root { oneThing(id: uuid!): things }')
    expect(readRootField('things', sdl).primaryKey).toEqual(['id'])
  })

  test('is absent where the role sees no such field, as for a view', () => {
    const sdl = readSdl(
      describeTable('things', 'id: uuid'),
      'extend type query_root { latest(args: String!): things  maybe(id: uuid): things  current: things }',
    )
    expect(readRootField('things', sdl)).not.toHaveProperty('primaryKey')
  })
})

test.each<[what: string, rootField: string, sentence: string]>([
  [
    'an unknown name, with those that are like it',
    'thing',
    'Role "viewer" sees no root field "thing": name a similar list (things), or another role with --role',
  ],
  [
    'an unknown name that is like no other',
    'invoices',
    'Role "viewer" sees no root field "invoices": name one of the lists (things, others, search), or another role with --role',
  ],
  ['a name that every object has', 'toString', 'Role "viewer" sees no root field "toString"'],
  ['the field of one row', 'things_by_pk', '"things_by_pk" is not a list of rows: name a similar list (things)'],
  ['an aggregate', 'things_aggregate', '"things_aggregate" is not a list of rows: name a similar list (things)'],
  ['a scalar', 'version', '"version" is not a list of rows: name one of the lists (things, others, search)'],
  ['a mutation', 'insert_things', '"insert_things" is a mutation: name a list of rows'],
  ['an action', 'ping', '"ping" lacks the arguments where, order_by and limit, which a pull needs for paging'],
  ['a function that needs arguments', 'search', '"search" requires args, which a pull doesn\'t pass'],
])('refuses %s', (_what, rootField, sentence) => {
  const sdl = readSdl(
    describeTable('things', 'id: uuid!', 'id: uuid!'),
    describeTable('others', 'id: uuid!'),
    `type things_aggregate { nodes: [things!]! }
     extend type query_root {
       things_aggregate: things_aggregate!
       search${listArguments('things', ' args: String!')}: [things!]!
     }`,
  )
  expect(() => readRootField(rootField, sdl)).toThrow(sentence)
})

test('refuses a role that may read nothing', () => {
  const schema = readSdl('extend type query_root { no_queries_available: String }')
  expect(() => readRootField('things', schema)).toThrow(
    'Role "viewer" may not read anything from this API: give it a select permission in Hasura, or choose another role with --role',
  )
})

test('refuses an API whose order is called neither asc nor ASC', () => {
  const schema = readSdl(`
    enum OrderBy { UP DOWN }
    type Things { id: uuid! }
    input ThingsBoolExp { id: Boolean }
    input ThingsOrderBy { id: OrderBy }
    extend type query_root { things(where: ThingsBoolExp, orderBy: [ThingsOrderBy!], limit: Int): [Things!]! thingsByPk(id: uuid!): Things }`)
  expect(() => readRootField('things', schema)).toThrow('"things" can\'t be ordered by "asc"')
})

test('the operation gives another name to a column where the mirror or Postgres keeps its own for itself', () => {
  const long = 'x'.repeat(64)
  const root = readThings(
    `id: uuid!\n_rank: Int\ncolumn_rank: Int\nxmin: Int\n${long}: Int\n${long}y: Int\n_${'u'.repeat(60)}: Int`,
  )
  expect(renderOperation(root, findJobNames('things').next().value, []).split('\n').slice(2, -3)).toEqual([
    '    id',
    '    column_rank_2: _rank',
    '    column_rank',
    '    column_xmin: xmin',
    `    ${long.slice(1)}: ${long}`,
    `    ${long.slice(3)}_2: ${long}y`,
    `    column_${'u'.repeat(56)}: _${'u'.repeat(60)}`,
  ])
})

test('a list in a namespace is named with it, and asked for in it', () => {
  const table = describeTable('things', 'id: uuid!', 'id: uuid!').replace('extend type query_root', 'type north_query')
  const schema = readSdl(table, 'extend type query_root { north: north_query }')
  const root = readRootField('north.things', schema)
  expect(root.primaryKey).toEqual(['id'])
  expect(renderOperation(root, findJobNames('north.things').next().value, [])).toBe(
    `query PullNorthThings($where: things_bool_exp!, $order_by: [things_order_by!]!, $limit: Int!) {
  north {
    things(where: $where, order_by: $order_by, limit: $limit) {
      id
    }
  }
}
`,
  )
  expect(() => readRootField('things', schema)).toThrow(
    'sees no root field "things": name a similar list (north.things)',
  )
  expect(() => readRootField('north', schema)).toThrow('"north" is not a list of rows: name')
})

test('the operation selects the key first, and gives the arguments by their names', () => {
  const schema = readSdl(`
    type Things { about: String id: uuid! }
    input ThingsBoolExp { id: Boolean }
    input ThingsOrderBy { id: order_by }
    extend type query_root { things(where: ThingsBoolExp, orderBy: [ThingsOrderBy!], limit: Int): [Things!]! thingsByPk(id: uuid!): Things }`)
  const root = readRootField('things', schema)
  const key = root.columns.filter(({ name }) => name === 'id')
  expect(renderOperation(root, findJobNames('things').next().value, key)).toBe(
    `query PullThings($where: ThingsBoolExp!, $order_by: [ThingsOrderBy!]!, $limit: Int!) {
  things(where: $where, orderBy: $order_by, limit: $limit) {
    id
    about
  }
}
`,
  )
})
