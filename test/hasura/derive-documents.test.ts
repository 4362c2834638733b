import { parse, print } from 'graphql'
import { describe, expect, test } from 'vitest'
import { deriveDocuments } from '../../src/hasura/derive-documents.ts'
import { findList } from '../../src/hasura/find-list.ts'
import { checkOperation, type RoleSchema, readSchema } from '../../src/hasura/role-schema.ts'

const sdl = (more: string, args = ', offset: Int') => `
  type Query { things(where: things_bool_exp, order_by: [things_order_by!], limit: Int${args}): [things!]! ${more} }
  input things_bool_exp { _and: [things_bool_exp!] id: Int tenant: String }
  input things_order_by { id: String }
  type things { id: Int! name: String changed_at: String! }
  type things_aggregate { aggregate: things_aggregate_fields }
  type things_aggregate_fields { count: Int! }
`
const counting = 'things_aggregate(where: things_bool_exp): things_aggregate!'
const document = parse(`query PullThings($where: things_bool_exp!, $order_by: [things_order_by!]!, $limit: Int!) {
  rows: things(where: { _and: [$where, { tenant: "a" }] }, order_by: $order_by, limit: $limit) {
    key: id name changed_at
  }
}`)

const derive = (columns: readonly string[], { schema }: RoleSchema, from = document) =>
  deriveDocuments(from, columns, findList(from, schema) ?? expect.fail('there is a list'))

describe('the questions that are derived from a pull’s document', () => {
  test('have its arguments, of its variables those that they use, and as few columns as they need', () => {
    const schema = readSchema('viewer', sdl(counting))
    const derived = derive(['changed_at', 'key'], schema)
    const shown = (of: Parameters<typeof print>[0] | undefined) => of && print(of).replace(/\s+/g, ' ')
    expect(shown(derived.keys)).toBe(
      'query PullThingsKeys($where: things_bool_exp!, $order_by: [things_order_by!]!, $limit: Int!) { rows: things( where: {_and: [$where, {tenant: "a"}]} order_by: $order_by limit: $limit ) { key: id changed_at } }',
    )
    expect(shown(derived.keyAt)).toContain('limit: $limit offset: $offset')
    expect(shown(derived.count?.document)).toBe(
      'query PullThingsCount($where: things_bool_exp!) { things_aggregate(where: {_and: [$where, {tenant: "a"}]}) { aggregate { count } } }',
    )
    expect(derived.count?.place).toBe('things_aggregate')
    for (const each of [derived.keys, derived.keyAt, derived.count?.document]) {
      expect(checkOperation(each ?? expect.fail('all can be asked'), schema)).toEqual([])
    }
  })

  test('give an offset once, also if the document has one', () => {
    const schema = readSchema('viewer', sdl(''))
    const paged =
      parse(`query PullThings($where: things_bool_exp!, $order_by: [things_order_by!]!, $limit: Int!, $offset: Int = 0) {
        things(where: $where, order_by: $order_by, limit: $limit, offset: $offset) { id }
      }`)
    const { keyAt } = derive(['id'], schema, paged)
    expect(checkOperation(keyAt ?? expect.fail('it can be asked'), schema)).toEqual([])
  })

  test('are not asked of a role that may not aggregate, or of a field without offset', () => {
    const derived = derive(['key'], readSchema('viewer', sdl('', '')))
    expect(derived).toEqual({ keys: expect.anything() })
  })

  test('know the names of Hasura’s other naming convention', () => {
    const schema = readSchema('viewer', sdl('thingsAggregate(where: things_bool_exp): things_aggregate!'))
    expect(derive(['key'], schema).count?.place).toBe('thingsAggregate')
  })

  const renamed = `howMany(where: things_bool_exp): counted_things!`
  const counted = 'type counted_things { aggregate: things_aggregate_fields nodes: [things!]! }'

  test.each([
    ['a renamed root field', renamed, 'howMany'],
    [
      'one beside the aggregate of a function',
      `${renamed} recent_aggregate(args: Int, where: things_bool_exp): counted_things!`,
      'howMany',
    ],
    [
      'one beside the aggregate of a function without arguments',
      `${renamed} recent(where: things_bool_exp): [things!]! recent_aggregate(where: things_bool_exp): counted_things!`,
      'howMany',
    ],
    ['none where two could be it', `${renamed} orThis(where: things_bool_exp): counted_things!`, undefined],
    ['none of other rows', 'others(where: things_bool_exp): counted_others!', undefined],
  ])('count by %s', (_what, more, place) => {
    const others = 'type counted_others { aggregate: things_aggregate_fields nodes: [other!]! } type other { id: Int }'
    const schema = readSchema('viewer', `${sdl(more)} ${counted} ${others}`)
    const { count } = derive(['key'], schema)
    expect(count?.place).toBe(place)
    if (count) expect(checkOperation(count.document, schema)).toEqual([])
  })

  test.each([
    ['by the same arguments', '$args, distinct_on: String', '(args: {q: "x"}, distinct_on: "name", where: $where)'],
    ['not at all if the aggregate lacks one of them', '$args', undefined],
    ['not at all if the aggregate needs another', '$args, distinct_on: String, lang: String!', undefined],
  ])('count the rows of a function %s', (_what, args, counted) => {
    const list = 'search($args, distinct_on: String, where: things_bool_exp, order_by: [things_order_by!], limit: Int)'
    const aggregate = `search_aggregate(where: things_bool_exp, ${args}): things_aggregate!`
    const fields = `${list}: [things!]! ${aggregate}`.replaceAll('$args', 'args: search_args!')
    const schema = readSchema('viewer', `${sdl(fields)} input search_args { q: String }`)
    const found = parse(`query Found($where: things_bool_exp!, $order_by: [things_order_by!]!, $limit: Int!) {
      search(args: { q: "x" }, distinct_on: "name", where: $where, order_by: $order_by, limit: $limit) { id }
    }`)
    const { count } = derive(['id'], schema, found)
    expect(count && print(count.document)).toEqual(counted && expect.stringContaining(`search_aggregate${counted}`))
    if (count) expect(checkOperation(count.document, schema)).toEqual([])
  })

  test('stay in the namespace of their list', () => {
    const inNamespace = sdl(counting).replace('type Query', 'type Query { north: north_query! } type north_query')
    const schema = readSchema('viewer', inNamespace)
    const namespaced = parse(`query PullThings($where: things_bool_exp!, $order_by: [things_order_by!]!, $limit: Int!) {
      source: north { things(where: $where, order_by: $order_by, limit: $limit) { id name } }
    }`)
    const derived = derive(['id'], schema, namespaced)
    expect(print(derived.keys).replace(/\s+/g, ' ')).toMatch(/\{ source: north \{ things\(.*\) \{ id \} \} \}$/)
    expect(derived.count?.place).toBe('source.things_aggregate')
    for (const each of [derived.keys, derived.keyAt, derived.count?.document]) {
      expect(checkOperation(each ?? expect.fail('all can be asked'), schema)).toEqual([])
    }
  })
})
