import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openClusterDir } from '../fixtures/data-dir.ts'
import {
  alterSelectPermission,
  setIntrospection,
  setSelectPermission,
  trackTable,
  untrackTable,
} from './hasura/change-metadata.ts'
import { hasuraClaims, signToken } from './hasura/sign-token.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

const key = 'a secret of at least thirty-two bytes'
const everything = { columns: '*', filter: {} } as const

let hasura: SandboxHasura
let authorization: string
beforeAll(async () => {
  hasura = await startHasura({ jwt: { key }, dataDir: (await openClusterDir()).path })
  authorization = `Bearer ${await signToken(hasuraClaims('a0000000-0000-4000-8000-000000000002', ['viewer']), key)}`
})
afterAll(() => hasura[Symbol.asyncDispose]())

async function ask(query: string, variables: object = {}): Promise<unknown> {
  const response = await fetch(hasura.url, {
    method: 'POST',
    headers: { authorization, 'x-hasura-role': 'viewer' },
    body: JSON.stringify({ query, variables }),
  })
  return response.json()
}
const failure = (code: string, message: string) => ({
  errors: [{ message, extensions: { code, path: expect.any(String) } }],
})

/** A table of the test's own, which the role sees. */
async function makeTable(columns: string, rows: string, name = `t_${randomUUID().replaceAll('-', '')}`) {
  await hasura.sql(`create table "${name}" (${columns}); insert into "${name}" values ${rows}`)
  await hasura.changeMetadata(trackTable(name, { select_permissions: [{ role: 'viewer', permission: everything }] }))
  return name
}

describe('a change of the database', () => {
  test('that adds a column is seen after a reload', async () => {
    const table = await makeTable('id int primary key', '(1)')
    await hasura.sql(`alter table ${table} add column note text default 'new'`)
    expect(await ask(`{ ${table} { note } }`)).toMatchObject(failure('validation-failed', expect.any(String)))
    await hasura.changeMetadata()
    expect(await ask(`{ ${table} { note } }`)).toEqual({ data: { [table]: [{ note: 'new' }] } })
  })

  test('that drops or renames a column fails in the database until a reload, and in the validation from then on', async () => {
    const table = await makeTable('id int primary key, a text, b text', "(1, 'a', 'b')")
    await hasura.sql(`alter table ${table} drop column a; alter table ${table} rename column b to c`)
    expect(await ask(`{ ${table} { a } }`)).toEqual(failure('unexpected', 'database query error'))
    await hasura.changeMetadata()
    for (const gone of ['a', 'b']) {
      expect(await ask(`{ ${table} { ${gone} } }`)).toEqual(
        failure('validation-failed', `field '${gone}' not found in type: '${table}'`),
      )
    }
    expect(await ask(`{ ${table} { id c } }`)).toEqual({ data: { [table]: [{ id: 1, c: 'b' }] } })
  })

  test('that gives a column another type changes its scalar', async () => {
    const table = await makeTable('id int primary key, n int', '(1, 2)')
    const scalar = () => new RegExp(`type ${table} {[^}]*\\bn: (\\w+)`).exec(hasura.printSchema('viewer'))?.[1]
    expect(scalar()).toBe('Int')
    await hasura.sql(`alter table ${table} alter column n type bigint`)
    await hasura.changeMetadata()
    expect(scalar()).toBe('bigint')
    expect(await ask(`{ ${table} { n } }`)).toEqual({ data: { [table]: [{ n: 2 }] } })
  })

  test('that the metadata contradicts is refused, and what was in force stays', async () => {
    const table = await makeTable('id int primary key, a text', "(1, 'a')")
    await hasura.changeMetadata(alterSelectPermission(table, 'viewer', { columns: ['id', 'a'] }))
    await hasura.sql(`alter table ${table} drop column a`)
    await expect(hasura.changeMetadata()).rejects.toThrow(`column "a" does not exist in table "${table}"`)
    expect(await ask(`{ ${table} { id } }`)).toEqual({ data: { [table]: [{ id: 1 }] } })
    await hasura.changeMetadata(untrackTable(table))
  })
})

describe('a change of a permission', () => {
  test('takes a table away and gives it back', async () => {
    const table = await makeTable('id int primary key', '(1)')
    await hasura.changeMetadata(setSelectPermission(table, 'viewer', undefined))
    const gone = failure('validation-failed', `field '${table}' not found in type: 'query_root'`)
    expect(await ask(`{ ${table} { id } }`)).toEqual(gone)
    await hasura.changeMetadata(setSelectPermission(table, 'viewer', everything))
    expect(await ask(`{ ${table} { id } }`)).toEqual({ data: { [table]: [{ id: 1 }] } })
    await hasura.changeMetadata(untrackTable(table))
    expect(await ask(`{ ${table} { id } }`)).toEqual(gone)
  })

  test('sets columns, row filter, row limit and aggregations', async () => {
    const table = await makeTable('id int primary key, secret text', "(1, 'a'), (2, 'b'), (3, 'c')")
    const ids = async () => ask(`{ ${table}(order_by: { id: asc }) { id } }`)
    const count = `{ ${table}_aggregate { aggregate { count } } }`
    expect(await ask(count)).toMatchObject(failure('validation-failed', expect.any(String)))
    await hasura.changeMetadata(
      alterSelectPermission(table, 'viewer', { columns: ['id'], filter: { id: { _gt: 1 } }, allow_aggregations: true }),
    )
    expect(await ids()).toEqual({ data: { [table]: [{ id: 2 }, { id: 3 }] } })
    expect(await ask(`{ ${table} { secret } }`)).toMatchObject(failure('validation-failed', expect.any(String)))
    expect(await ask(count)).toEqual({ data: { [`${table}_aggregate`]: { aggregate: { count: 2 } } } })
    await hasura.changeMetadata(alterSelectPermission(table, 'viewer', { limit: 1 }))
    expect(await ids()).toEqual({ data: { [table]: [{ id: 2 }] } })
  })

  test('switches introspection off and on', async () => {
    await hasura.changeMetadata(setIntrospection('viewer', false))
    expect(await ask('{ __schema { queryType { name } } }')).toMatchObject(failure('not-supported', expect.any(String)))
    expect(hasura.printSchema('viewer')).toContain('type query_root')
    await hasura.changeMetadata(setIntrospection('viewer', true))
    expect(await ask('{ __schema { queryType { name } } }')).toMatchObject({ data: {} })
  })
})

describe('a table that is tracked', () => {
  test('may have a key of several columns', async () => {
    const table = await makeTable('a int, b text, primary key (b, a)', "(1, 'x')")
    expect(await ask(`{ ${table}_by_pk(a: 1, b: "x") { a b } }`)).toEqual({
      data: { [`${table}_by_pk`]: { a: 1, b: 'x' } },
    })
  })

  test('may be a view, which has no key and no column that is never null', async () => {
    const table = await makeTable('id int primary key', '(1), (2)')
    await hasura.sql(`create view ${table}_view as select id, id * 2 as twice from ${table}`)
    await hasura.changeMetadata(
      trackTable(`${table}_view`, { select_permissions: [{ role: 'viewer', permission: everything }] }),
    )
    expect(await ask(`{ ${table}_view(where: { id: { _eq: 2 } }) { twice } }`)).toEqual({
      data: { [`${table}_view`]: [{ twice: 4 }] },
    })
    expect(hasura.printSchema('viewer')).not.toContain(`${table}_view_by_pk`)
    expect(hasura.printSchema('viewer')).toMatch(new RegExp(`type ${table}_view {\\s+id: Int\\s+twice: Int\\s+}`))
  })

  test.each(['order', 'class'])('may be called %s, and have such columns', async name => {
    await makeTable('id int primary key, "select" text, "group" int, "Mixed" text', "(1, 'a', 2, 'b')", name)
    const query = `query Q($where: ${name}_bool_exp!, $order: [${name}_order_by!]!) {
      ${name}(where: $where, order_by: $order, limit: 5) { id select group Mixed } }`
    expect(await ask(query, { where: { group: { _gt: 1 } }, order: [{ group: 'asc' }, { Mixed: 'desc' }] })).toEqual({
      data: { [name]: [{ id: 1, select: 'a', group: 2, Mixed: 'b' }] },
    })
  })

  test('may have other names, with capital letters, than in the database', async () => {
    const table = await makeTable(
      'id int primary key, created_at date, kind text',
      "(1, '2026-01-01', 'a'), (2, '2026-01-02', 'b')",
    )
    const name = `T${table.slice(2)}`
    await hasura.changeMetadata(
      trackTable(table, {
        configuration: {
          custom_name: name,
          column_config: { id: { custom_name: 'Id' }, created_at: { custom_name: 'createdAt' } },
        },
        select_permissions: [
          {
            role: 'viewer',
            permission: { columns: ['id', 'created_at'], filter: { created_at: { _gt: '2026-01-01' } } },
          },
        ],
      }),
    )
    const query = `query Q($where: ${name}_bool_exp!, $order: [${name}_order_by!]) { ${name}(where: $where, order_by: $order) { Id createdAt } }`
    expect(await ask(query, { where: { Id: { _gt: 0 } }, order: [{ createdAt: 'desc' }] })).toEqual({
      data: { [name]: [{ Id: 2, createdAt: '2026-01-02' }] },
    })
    expect(await ask(`{ ${name}_by_pk(Id: 2) { createdAt } }`)).toEqual({
      data: { [`${name}_by_pk`]: { createdAt: '2026-01-02' } },
    })
    expect(await ask(`{ ${name} { kind } }`)).toMatchObject(failure('validation-failed', expect.any(String)))
  })

  test('may have 500 columns', async () => {
    const names = Array.from({ length: 499 }, (_, n) => `c${n}`)
    const table = await makeTable(
      `id int primary key, ${names.map(n => `${n} int`).join(', ')}`,
      `(1, ${names.map((_, n) => n).join(', ')})`,
    )
    expect(await ask(`{ ${table} { id ${names.join(' ')} } }`)).toEqual({
      data: { [table]: [{ id: 1, ...Object.fromEntries(names.map((name, n) => [name, n])) }] },
    })
  })

  test('may have keys of text', async () => {
    const keys = ['plain', "o'brien", 'say "hi"', 'back\\slash', '🐘', 'é', 'E\u0301']
    const table = await makeTable('id text primary key', keys.map(id => `('${id.replaceAll("'", "''")}')`).join(', '))
    for (const id of keys) {
      expect(await ask(`query Q($id: String!) { ${table}_by_pk(id: $id) { id } }`, { id })).toEqual({
        data: { [`${table}_by_pk`]: { id } },
      })
    }
  })
})
