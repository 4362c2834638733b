import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parse } from 'graphql'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { checkOperation, loadRoleSchema, readSchema } from '../../src/hasura/role-schema.ts'

describe('an SDL that was written by hand or by an earlier version', () => {
  test.each([
    ['a reserved name', 'type Query { __v: Int }', 'Name "__v" must not begin with "__"'],
    ['an empty type', 'type Query { a: Nothing } type Nothing', 'Type Nothing must define one or more fields'],
    ['a type that isn’t there', 'type Query { a: Gone }', 'Unknown type "Gone"'],
    ['no GraphQL', 'type Query {', 'Syntax Error: Expected Name'],
  ])('with %s is told with its file and what to do', (_what, sdl, said) => {
    const read = () => readSchema('viewer', sdl)
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(`The schema of role "viewer" in graphql/schema/viewer.graphql is not valid (${said}`)
    expect(read).toThrow('run "npm run -s cli -- schema pull --role viewer" and commit the file')
  })
})

test('the line ends of a checkout are not those of an SDL', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'role-schema-'))
  try {
    await writeFile(join(folder, 'viewer.graphql'), 'type Query {\r\n  a: Int\r\n}\r\n')
    expect(await loadRoleSchema(pathToFileURL(`${folder}/`), 'viewer')).toMatchObject({
      sdl: 'type Query {\n  a: Int\n}\n',
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('an SDL that is there and can’t be read isn’t taken for a missing one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'role-schema-'))
  try {
    const url = pathToFileURL(`${folder}/`)
    await expect(loadRoleSchema(url, 'viewer')).rejects.toThrow(
      'run "npm run -s cli -- schema pull --role viewer" and commit the file; if it is committed, ship graphql/ with the jobs',
    )
    await mkdir(join(folder, 'viewer.graphql'))
    await expect(loadRoleSchema(url, 'viewer')).rejects.toThrow(
      'The schema of role "viewer" in graphql/schema/viewer.graphql can\'t be read, because it is a folder, not a file (EISDIR)',
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('a mutation is no operation of a role that has none', () => {
  const schema = readSchema('viewer', 'type Query { a: Int }')
  expect(checkOperation(parse('{ a }'), schema)).toEqual([])
  expect(checkOperation(parse('mutation M { b { id } }'), schema)).toEqual(['The schema has no mutations'])
  expect(checkOperation(parse('mutation M($b: b_input!) { b(b: $b) { id } }'), schema)).toEqual([
    'The schema has no mutations',
  ])
  expect(checkOperation(parse('subscription S { c }'), schema)).toEqual(['The schema has no subscriptions'])
})

test('a subscription with a directive is an operation like others', () => {
  const schema = readSchema('viewer', 'type Query { a: Int } type Subscription { a: Int }')
  const check = (text: string) => checkOperation(parse(text), schema)
  expect(check('subscription S($more: Boolean!) { a @include(if: $more) }')).toEqual([])
  expect(check('subscription S { b @skip(if: $less) }')).toEqual([
    'Cannot query field "b" on type "Subscription". Did you mean "a"?',
    'Variable "$less" is not defined by operation "S".',
  ])
})

describe('a table that is gone is one problem, although the types of its filter and its order are gone, too', () => {
  const schema = readSchema(
    'viewer',
    'type Query { users(where: users_bool_exp, limit: Int!): Users, api: Api } type Api { users: Users } type Users { id: Int } input users_bool_exp { id: Int }',
  )
  const check = (text: string) => checkOperation(parse(text), schema)
  const variables = '$where: books_bool_exp!, $order_by: [books_order_by!]!'
  const books = 'books(where: $where, order_by: $order_by) { id }'

  test.each([
    ['at the root', `query Q(${variables}) { ${books} }`, 'Cannot query field "books" on type "Query".'],
    ['in a namespace', `query Q(${variables}) { api { ${books} } }`, 'Cannot query field "books" on type "Api".'],
    ['with its namespace', `query Q(${variables}) { more { ${books} } }`, 'Cannot query field "more" on type "Query".'],
    ['of a relationship', `query Q(${variables}) { api { users { ${books} } } }`, expect.stringContaining('"Users"')],
  ])('%s', (_where, text, problem) => {
    expect(check(text)).toEqual([problem])
  })

  test.each([
    ['without a field that is missing', 'users(where: $where, limit: 1) { id }', 1],
    ['of a field that lacks an argument', 'users(where: $where) { id }', 2],
    ['of a field that is there, beside one that is missing', 'users(where: $where, limit: 1) { id } books { id }', 2],
  ])('and an unknown type %s is another', (_what, fields, problems) => {
    const found = check(`query Q($where: Users_bool_exp!) { ${fields} }`)
    expect(found).toHaveLength(problems)
    expect(found).toContainEqual(expect.stringContaining('Unknown type "Users_bool_exp"'))
  })
})
