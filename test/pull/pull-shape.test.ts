import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { renderExplanation } from '../../src/explanation.ts'
import { readSchema } from '../../src/hasura/role-schema.ts'
import type { PullSettings } from '../../src/pull/pull-settings.ts'
import { findShapeProblems, findShapeRisk, readShape } from '../../src/pull/pull-shape.ts'
import { among, behind, compareRows, from, greatestFirst, orderBy } from '../../src/pull/remote/scan.ts'

const schemaOf = (directions: string) =>
  readSchema(
    'viewer',
    `type Query { things(where: things_bool_exp, order_by: [things_order_by!], limit: Int, offset: Int): [things!]! }
    scalar timestamptz scalar time scalar Timestamptz scalar Interval scalar datetime2 scalar jsonb scalar point scalar decimal
    scalar uniqueidentifier
    enum order_by { ${directions} }
    enum kinds_enum { big small }
    input ordered { _eq: Int _gt: Int _gte: Int _lt: Int _lte: Int _in: [Int!] }
    input equal { _eq: kinds_enum _in: [kinds_enum!] }
    input things_bool_exp {
      _and: [things_bool_exp!] _or: [things_bool_exp!]
      id: ordered _rank: ordered name: ordered changed_at: ordered owner: owners_bool_exp kind: equal tags: ordered
      data: ordered place: ordered isNew: ordered moved_at: ordered every: ordered seen_at: ordered opens: ordered
      amount: ordered guid: ordered
    }
    input owners_bool_exp { name: ordered }
    input things_order_by {
      id: order_by _rank: order_by name: order_by changed_at: order_by kind: order_by tags: order_by data: order_by
      place: order_by isNew: order_by moved_at: order_by every: order_by seen_at: order_by opens: order_by remote: order_by
      amount: order_by guid: order_by
    }
    type things {
      id: Int! _rank: Int name: String changed_at: timestamptz! owner: owners owner_name: String
      kind: kinds_enum! tags: [String!]! data: jsonb! place: point! isNew: Boolean! remote: String! xmin: Int!
      moved_at: Timestamptz! opens: time! every: Interval! seen_at: datetime2! amount: decimal!
      guid: uniqueidentifier!
    }
    type owners { name: String }`,
  )
const schema = schemaOf('asc desc')
const listWith = (argument: string, variable = '$offset: Int') =>
  parse(`query Things($where: things_bool_exp, $order_by: [things_order_by!], $limit: Int, ${variable}) {
    things(where: $where, order_by: $order_by, limit: $limit, ${argument}) { id changed_at }
  }`)
const settings = (columns: string, more: Partial<PullSettings> = {}): PullSettings => ({
  name: 'sync-things',
  role: 'viewer',
  into: 'things',
  document: parse(`query Things($where: things_bool_exp, $order_by: [things_order_by!], $limit: Int) {
    things(where: $where, order_by: $order_by, limit: $limit) { ${columns} }
  }`),
  key: ['id'],
  cursor: 'changed_at',
  softDelete: undefined,
  flatten: new Set(),
  transform: undefined,
  where: () => ({}),
  fixedWhere: {},
  pageSize: 10,
  ranges: 1,
  lookback: undefined,
  sweep: false,
  guard: { share: 0.3, floor: 10 },
  evolution: 'read-again',
  live: undefined,
  ...more,
})

describe('what a pull’s options say', () => {
  test('is in order when everything is selected', () => {
    expect(findShapeProblems(settings('id changed_at name'), schema)).toEqual([])
  })

  test.each([
    ['offset: 0', undefined],
    ['offset: null', undefined],
    ['offset: $offset', '$offset: Int'],
    ['offset: $offset', '$offset: Int = 0'],
    ['distinct_on: []', undefined],
    ['distinct_on: $by', '$by: [things_select_column!]'],
  ])('is in order with %s (%s), which leaves no row out', (argument, variable) => {
    expect(findShapeProblems(settings('id changed_at', { document: listWith(argument, variable) }), schema)).toEqual([])
  })

  test('is in order with the rows that are distinct by the key, without a cursor', () => {
    const document = listWith('distinct_on: [id]')
    expect(findShapeProblems(settings('id changed_at', { document, cursor: undefined }), schema)).toEqual([])
  })

  test('is in order with a key whose order only the API knows', () => {
    expect(findShapeProblems(settings('guid changed_at', { key: ['guid'] }), schema)).toEqual([])
  })

  test('and the schema tell which of two rows comes first, by cursor and key', () => {
    const { key, cursor } = readShape(settings('id changed_at'), schema)
    expect(compareRows(key, ['10'], ['9'])).toBe(1)
    expect(
      cursor && compareRows(cursor.order, ['2026-01-01T01:00:00+01:00', '9'], ['2026-01-01T01:00:00+00:00', '1']),
    ).toBe(-1)
  })

  test.each([
    [
      'a key that is not selected',
      settings('changed_at'),
      '"id" is not selected by its document: add it to the document, or name the alias',
    ],
    ['a cursor that is not selected', settings('id'), '"changed_at" is not selected by its document'],
    [
      'a soft-delete column that is not selected',
      settings('id changed_at', { softDelete: { column: 'gone_at' } }),
      '"gone_at"',
    ],
    [
      'a key inside of a nested object',
      settings('id changed_at owner { name }', { flatten: new Set(['owner']), key: ['owner_name'] }),
      `"owner_name" can't be a key column: it is a field of a nested object`,
    ],
    [
      'a key of an enum table',
      settings('id kind changed_at', { key: ['id', 'kind'] }),
      `"kind" can't be a key column: things_bool_exp has no _gt, _gte, _lt, _lte for it, because Hasura compares the values of an enum table only for equality: choose other columns that identify a row, such as a unique id, or pull a view that shows it as text`,
    ],
    ...['tags', 'data', 'place'].map((column): [string, PullSettings, string] => [
      `a key whose type has no order, ${column}`,
      settings(`id ${column} changed_at`, { key: ['id', column] }),
      `"${column}" can't be a key column: its type, `,
    ]),
    [
      'a cursor that has two values',
      settings('id isNew', { cursor: 'isNew' }),
      `"isNew" can't be the cursor: its type, Boolean!, can't grow with every change`,
    ],
    [
      'a cursor that SQL Server orders from its end, whatever it begins with',
      settings('id guid', { cursor: 'guid' }),
      `"guid" can't be the cursor: SQL Server orders its type, uniqueidentifier!, by the last bytes first, which don't grow with every change: choose another cursor, or none`,
    ],
    [
      'a cursor by which the API can’t filter',
      settings('id remote', { cursor: 'remote' }),
      `"remote" can't be the cursor: things_bool_exp has no _eq, _gt, _gte, _lt, _lte for it`,
    ],
    [
      'a column that every table of Postgres has',
      settings('id changed_at xmin'),
      '"xmin" has the name of a Postgres system column',
    ],
    ['a column like the mirror’s own', settings('id changed_at _rank'), '"_rank" starts with an underscore'],
    [
      'a soft-delete column whose type says too little',
      settings('id changed_at name', { softDelete: { column: 'name' } }),
      `softDelete: column "name" is text, whose values don't show which rows are deleted: add a rule: { column: 'name', isDeleted: value => … }`,
    ],
    [
      'a nested object as soft-delete column',
      settings('id changed_at owner { name }', { softDelete: { column: 'owner' } }),
      'softDelete: column "owner" is jsonb',
    ],
    [
      'two columns of one name',
      settings('id changed_at owner { name } owner_name', { flatten: new Set(['owner']) }),
      'two columns would be called "owner_name"',
    ],
    ['a sweep that never comes', settings('id changed_at', { sweep: { cron: '0 0 31 2 *' } }), "its sweep's cron"],
    ['a table with a dot', settings('id changed_at', { into: 'a.b' }), 'mirror table "a.b"'],
    ['a table with a name too long', settings('id changed_at', { into: 'é'.repeat(32) }), 'is longer than 63 bytes'],
    ['no ranges', settings('id changed_at', { ranges: 0 }), '"ranges" is 0'],
    ['a lookback that skips rows', settings('id changed_at', { lookback: -1 }), '"lookback" is -1'],
    [
      'a lookback from a text',
      settings('id name', { cursor: 'name', lookback: 300 }),
      '"lookback" is 300, but cursor "name" is text, which is neither an instant nor a number: remove it; a sweep finds',
    ],
    ['a lookback that is no number', settings('id changed_at', { lookback: Number.NaN }), '"lookback" is NaN'],
    [
      'a cursor that begins again every night',
      settings('id opens', { cursor: 'opens' }),
      `"opens" can't be the cursor: its type, time!, can't grow with every change`,
    ],
    [
      'a deletion guard in per cent',
      settings('id changed_at', { guard: { share: 30, floor: 10 } }),
      '"deletionGuard.share" is 30, but must be a number from 0 to 1: write 0.3 for 30 %',
    ],
    [
      'a share that is no number',
      settings('id changed_at', { guard: { share: Number.NaN, floor: 10 } }),
      '"deletionGuard.share" is NaN',
    ],
    [
      'a floor that is no number',
      settings('id changed_at', { guard: { share: 0.3, floor: Number.NaN } }),
      '"deletionGuard.floor" is NaN, but must be a number, 0 or more: correct this option of the job',
    ],
    [
      'a field of GraphQL itself',
      settings('__typename id changed_at'),
      'Things: "__typename" is not a column: remove it',
    ],
    ...[
      ['offset: 1', undefined] as const,
      ['offset: $offset', '$offset: Int = 20'] as const,
      ['distinct_on: [name]', undefined] as const,
      ['distinct_on: [id]', undefined] as const,
      ['distinct_on: $by', '$by: [things_select_column!] = [name]'] as const,
    ].map(([argument, variable]): [string, PullSettings, string] => [
      `an argument that leaves out rows, ${argument} (${variable})`,
      settings('id changed_at', { document: listWith(argument, variable) }),
      `Things: the argument "${argument.split(':')[0]}" would leave out rows: remove it`,
    ]),
    ['a page that is no number', settings('id changed_at', { pageSize: Number.NaN }), '"pageSize" is NaN'],
  ])('is refused with %s', (_what, wrong, sentence) => {
    expect(findShapeProblems(wrong, schema).map(renderExplanation)).toEqual([expect.stringContaining(sentence)])
  })

  const withNulls: Partial<PullSettings> = { key: ['id', 'name'], cursor: 'rank' }
  const notNull = { _is_null: false }
  test.each<[what: string, more: Partial<PullSettings>, names: string | undefined]>([
    ['its key and cursor are never null', {}, undefined],
    ['its key and cursor can be null', withNulls, '"rank", "name"'],
    ['rows without a cursor are excluded', { ...withNulls, fixedWhere: { _rank: { _isNull: false } } }, '"name"'],
    ['all such rows are', { ...withNulls, fixedWhere: { _and: [{ _rank: notNull }, { name: notNull }] } }, undefined],
    ['its filter is computed per account', { ...withNulls, fixedWhere: undefined }, undefined],
  ])('are a risk for rows with nulls: %s', (_what, more, names) => {
    const risk = findShapeRisk(settings('id rank: _rank name changed_at', more), schema)
    expect(risk?.found).toEqual(names && expect.stringContaining(`role "viewer" may see null in ${names} of its key`))
  })

  test.each<[string, PullSettings['softDelete']]>([
    ['an instant', { column: 'changed_at' }],
    ['a number', { column: 'id' }],
    ['a rule of the job’s', { column: 'name', isDeleted: value => value === 'Y' }],
  ])('may be that %s tells which rows are deleted', (_what, softDelete) => {
    expect(findShapeProblems(settings('id changed_at name', { softDelete }), schema)).toEqual([])
  })

  test('is ordered in the words of the API', () => {
    const { key, cursor } = readShape(settings('id changed_at'), schema)
    expect(orderBy(key)).toEqual([{ id: 'asc' }])
    const other = readShape(settings('id changed_at'), schemaOf('ASC DESC_NULLS_LAST'))
    expect(orderBy(other.key)).toEqual([{ id: 'ASC' }])
    expect(greatestFirst(other.cursor?.order ?? expect.fail('it has a cursor'), 'last')).toEqual([
      { changed_at: 'DESC_NULLS_LAST' },
    ])
    expect(cursor?.order.columns).toEqual(['changed_at', 'id'])
  })

  test('spells filters as the API does, and leaves values alone', () => {
    const nulls = readSchema(
      'viewer',
      `type Query { things(where: things_bool_exp, order_by: [things_order_by!], limit: Int): [things!]! }
      scalar timestamptz scalar jsonb
      enum order_by { ASC DESC }
      input IntComparisonExp { _eq: Int _gt: Int _gte: Int _lt: Int _lte: Int _isNull: Boolean }
      input JsonbComparisonExp { _contains: jsonb _isNull: Boolean }
      input things_bool_exp { _and: [things_bool_exp!] id: IntComparisonExp changed_at: IntComparisonExp data: JsonbComparisonExp }
      input things_order_by { id: order_by changed_at: order_by }
      type things { id: Int! changed_at: timestamptz! data: jsonb! }`,
    )
    const where = {
      id: { _is_null: false },
      _and: [{ changed_at: { _is_null: false } }, { data: { _contains: { _is_null: false } } }],
    }
    const columns = settings('id changed_at')
    expect(readShape(columns, schema).spellWhere(where, 'west')).toEqual(where)
    expect(readShape(columns, nulls).spellWhere(where, 'west')).toEqual({
      id: { _isNull: false },
      _and: [{ changed_at: { _isNull: false } }, { data: { _contains: { _is_null: false } } }],
    })
  })

  test('sends the filter that JSON writes, with its digits, and null within a value', () => {
    const at = new Date('2026-01-01')
    const where = {
      id: { _in: [JSON.rawJSON('9007199254740993')] },
      data: { _eq: { since: null } },
      _and: [{}, { changed_at: { _gte: at } }],
    }
    const spelled = readShape(settings('id changed_at'), schema).spellWhere(where, 'west')
    expect(JSON.stringify(spelled)).toBe(JSON.stringify(where))
  })

  test.each<[what: string, given: unknown, found: string]>([
    ['nothing', undefined, 'gave nothing'],
    ['null', null, 'gave nothing'],
    ['false', false, 'gave [object Boolean]'],
    ['a Promise', Promise.resolve({}), 'gave [object Promise]'],
    ['a list', [{}], 'gave [object Array]'],
    ['a Map', new Map([['id', 1]]), 'gave [object Map]'],
    ['no value', { _or: [{ id: { _eq: undefined } }] }, 'has no value at "_or.0.id._eq"'],
    ['a function for a value', { id: { _eq: () => 1 } }, 'has no value at "id._eq"'],
    ['a Promise for a condition', { owner: Promise.resolve({ name: { _eq: 1 } }) }, 'has no value at "owner"'],
    ['a Set for a value', { data: { _eq: new Set([1]) } }, 'has no value at "data._eq"'],
    ['null for a value', { owner: { name: { _eq: null } } }, 'has null at "_eq"'],
    ['null for a column', { id: null }, 'has null at "id"'],
    ['null for conditions', { _and: null }, 'has null at "_and"'],
    ['null among conditions', { _or: [{ id: { _eq: 1 } }, null] }, 'has null at "_or"'],
    ['null for a column that the SDL doesn’t know', { tenant: { _eq: null } }, 'has null at "_eq"'],
    ['an instant that isn’t one', { changed_at: { _gte: new Date('soon') } }, 'has no value at "changed_at._gte"'],
  ])('gives no filter that could match every row by mistake: %s', (_what, given, found) => {
    const { spellWhere } = readShape(settings('id changed_at'), schema)
    expect(() => spellWhere(given, 'west')).toThrow(
      expect.objectContaining({
        code: 'where',
        found: expect.stringMatching(/^The "where" of sync-things .* for account "west"/),
        message: expect.stringContaining(`sync-things ${found}`),
      }),
    )
  })

  test('asks the API by its own names where the document gives others, two that change places among them', () => {
    const renamed = settings('rank: _rank id: changed_at changed_at: id', { key: ['rank', 'changed_at'], cursor: 'id' })
    const { key, cursor, columns } = readShape(renamed, schema)
    const order = cursor?.order ?? expect.fail('it has a cursor')
    expect(Object.keys(columns)).toEqual(['rank', 'id', 'changed_at'])
    expect(orderBy(order)).toEqual([{ changed_at: 'asc' }, { _rank: 'asc' }, { id: 'asc' }])
    expect(greatestFirst(order, 'first')).toEqual([{ changed_at: 'desc' }])
    expect(from(order, 'T')).toEqual({ changed_at: { _gte: 'T' } })
    expect(among(key, [['1', '2']])).toEqual([{ _or: [{ _rank: { _eq: 1 }, id: { _eq: 2 } }] }])
    expect(among({ ...key, columns: ['rank'] }, [['1']])).toEqual([{ _rank: { _in: [1] } }])
    expect(behind(key, ['1', '2'])).toEqual({
      _rank: { _gte: 1 },
      _or: [{ _rank: { _gt: 1 } }, { _rank: { _eq: 1 }, id: { _gt: 2 } }],
    })
  })

  test('knows the scalars of both naming conventions, and what isn’t Postgres’ own under a name with a capital', () => {
    const columns = settings('id moved_at every', { cursor: 'moved_at' })
    const [plain, capital] = ['asc', 'ASC'].map(direction => readShape(columns, schemaOf(direction)))
    expect(plain?.columns).toMatchObject({ moved_at: 'text moved_at', every: 'text every' })
    expect(plain?.cursor?.kind).toBe('order')
    expect(capital?.columns).toMatchObject({ moved_at: 'timestamp with time zone moved_at', every: 'interval every' })
    expect(capital?.cursor?.kind).toBe('instant')
  })

  test('keeps as text what Postgres would round, and compares it as what it is', () => {
    const { columns, cursor } = readShape(settings('id seen_at', { cursor: 'seen_at' }), schema)
    expect(columns).toMatchObject({ seen_at: 'text seen_at' })
    expect(cursor).toMatchObject({ type: 'timestamp without time zone', kind: 'local' })
  })

  test.each([
    ['', 'integer id', 'double precision price', 'text changed_at', { kind: 'order' }, []],
    ['_MSSQL', 'bigint id', 'numeric price', 'text changed_at', { kind: 'order' }, ['price']],
    ['_BigQuery', 'bigint id', 'numeric price', 'timestamp with time zone changed_at', { kind: 'instant' }, []],
  ])(
    'of a source whose inputs are named Int%s_comparison_exp gives each type room',
    (database, id, price, at, cursor, doubles) => {
      const compared = ['Int', 'Float', 'Timestamp'].map(
        type =>
          `input ${type}${database}_comparison_exp { _eq: ${type} _gt: ${type} _gte: ${type} _lt: ${type} _lte: ${type} }`,
      )
      const ofDatabase = readSchema(
        'viewer',
        `type Query { things(where: things_bool_exp, order_by: [things_order_by!], limit: Int): [things!]! }
      scalar Timestamp
      enum order_by { asc desc }
      ${compared.join('\n')}
      input things_bool_exp {
        id: Int${database}_comparison_exp price: Float${database}_comparison_exp changed_at: Timestamp${database}_comparison_exp
      }
      input things_order_by { id: order_by price: order_by changed_at: order_by }
      type things { id: Int! price: Float! changed_at: Timestamp! }`,
      )
      const shape = readShape(settings('id price changed_at'), ofDatabase)
      expect(shape.columns).toEqual({ id, price, changed_at: at })
      expect(shape.cursor).toMatchObject(cursor)
      expect(behind(shape.key, ['4711'])).toEqual({ id: { _gt: 4711 } })
      expect([...(shape.key.comparedAsDoubles ?? [])]).toEqual(doubles)
    },
  )

  test.each([
    ['mongodb_order_by', 'mongodb', 'numeric id', 'timestamp with time zone changed_at', { n: 1.5, isNew: true }],
    ['sqlite_order_by', 'sqlite', 'numeric id', 'date changed_at', { n: 1.5, isNew: true }],
    // A remote schema that is another Hasura on Postgres
    ['mongodb_order_by', undefined, 'integer id', 'date changed_at', { n: '1.5', isNew: 'true' }],
  ])(
    'of a source whose directions are %s and comparisons those of %s has its types, and sends what they accept',
    (order, connector, id, at, sent) => {
      const nameOf = (scalar: string) =>
        connector === undefined ? `mongodb_${scalar}_comparison_exp` : `${scalar}_${connector}_comparison_exp`
      const scalars = { id: 'Int', n: 'double', isNew: 'bool', changed_at: 'date' }
      const all = Object.entries(scalars)
      const lines = (write: (column: string, scalar: string) => string) => all.map(each => write(...each)).join('\n')
      const ofConnector = readSchema(
        'viewer',
        `type Query { things(where: things_bool_exp, order_by: [things_order_by!], limit: Int): [things!]! }
        scalar double scalar bool scalar date
        enum ${order} { asc desc }
        ${lines((_, type) => `input ${nameOf(type)} { _eq: ${type} _gt: ${type} _gte: ${type} _lt: ${type} _lte: ${type} }`)}
        input things_bool_exp { ${lines((column, type) => `${column}: ${nameOf(type)}`)} }
        input things_order_by { ${lines(column => `${column}: ${order}`)} }
        type things { ${lines((column, type) => `${column}: ${type}!`)} }`,
      )
      const wanted = settings('id n isNew changed_at', { key: ['id', 'n', 'isNew'] })
      const { columns, key, cursor } = readShape(wanted, ofConnector)
      expect(columns).toMatchObject({ id, changed_at: at })
      expect(among(key, [['7', '1.5', 'true']])).toEqual([
        {
          _or: [{ id: { _eq: 7 }, n: { _eq: sent.n }, isNew: { _eq: sent.isNew } }],
        },
      ])
      expect(greatestFirst(cursor?.order ?? expect.fail('it has a cursor'), 'last')).toEqual([
        { changed_at: connector === undefined ? 'desc_nulls_last' : 'desc' },
      ])
    },
  )

  test('sends a decimal as a number, because its scalar accepts no text', () => {
    const { key } = readShape(settings('id amount changed_at', { key: ['id', 'amount'] }), schema)
    expect(JSON.stringify(behind(key, ['1', '1000.10']))).toContain('"amount":{"_gt":1000.10}')
  })
})
