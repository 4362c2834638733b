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
  expect(root.columns).toEqual([
    { name: 'id', mirrorName: 'id', type: 'uuid!', nullable: false, mirrorType: 'uuid' },
    { name: 'data', mirrorName: 'data', type: 'jsonb', nullable: true, mirrorType: 'jsonb' },
    { name: 'kind', mirrorName: 'kind', type: 'kinds_enum!', nullable: false, mirrorType: 'text' },
    { name: 'mood', mirrorName: 'mood', type: 'mood!', nullable: false, mirrorType: 'text' },
    { name: 'tags', mirrorName: 'tags', type: '[String!]', nullable: true, mirrorType: 'jsonb' },
    { name: 'full_name', mirrorName: 'full_name', type: 'String', nullable: true, mirrorType: 'text' },
    {
      name: '_deleted_at',
      mirrorName: 'column_deleted_at',
      type: 'timestamptz',
      nullable: true,
      mirrorType: 'timestamp with time zone',
    },
  ])
  expect(root.leftOut).toEqual([])
  expect(root.primaryKey).toEqual(['id'])
})

test('leaves out a column whose name Postgres would cut off', () => {
  const long = 'x'.repeat(64)
  expect(readThings(`id: uuid!\n${long}: Int\n${long.slice(1)}: Int`)).toMatchObject({
    leftOut: [long],
    columns: [{ name: 'id' }, { name: long.slice(1) }],
  })
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
    'Role "viewer" sees no root field "thing": similar names are things; or name another role with --role',
  ],
  [
    'an unknown name that is like no other',
    'invoices',
    'Role "viewer" sees no root field "invoices": the lists are things, others, search; or name another role with --role',
  ],
  ['a name that every object has', 'toString', 'Role "viewer" sees no root field "toString"'],
  [
    'the field of one row',
    'things_by_pk',
    '"things_by_pk" is no list of rows, which a pull needs: similar names are things',
  ],
  [
    'an aggregate',
    'things_aggregate',
    '"things_aggregate" is no list of rows, which a pull needs: similar names are things',
  ],
  ['a scalar', 'version', '"version" is no list of rows, which a pull needs: the lists are things, others, search'],
  ['a mutation', 'insert_things', '"insert_things" is a mutation: a pull needs a list of rows'],
  ['an action', 'ping', '"ping" takes no where, order_by and limit, which a pull needs to read page by page'],
  [
    'a function that needs arguments',
    'search',
    '"search" can\'t be asked for without args, which a pull doesn\'t give',
  ],
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
    'Role "viewer" may read nothing of this API: give it a select permission in Hasura, or name another role with --role',
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

test('the operation gives another name to a column that begins with an underscore', () => {
  const names = findJobNames('things')
  const root = readThings('id: uuid!\n_rank: Int\ncolumn_rank: Int')
  expect(names && renderOperation(root, names, ['id'])).toContain('    id\n    column__rank: _rank\n    column_rank\n')
})

test('the operation selects the key first, and gives the arguments by their names', () => {
  const schema = readSdl(`
    type Things { about: String id: uuid! }
    input ThingsBoolExp { id: Boolean }
    input ThingsOrderBy { id: order_by }
    extend type query_root { things(where: ThingsBoolExp, orderBy: [ThingsOrderBy!], limit: Int): [Things!]! thingsByPk(id: uuid!): Things }`)
  const names = findJobNames('things')
  expect(names && renderOperation(readRootField('things', schema), names, ['id'])).toBe(
    `query PullThings($where: ThingsBoolExp!, $order_by: [ThingsOrderBy!]!, $limit: Int!) {
  things(where: $where, orderBy: $order_by, limit: $limit) {
    id
    about
  }
}
`,
  )
})
