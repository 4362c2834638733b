import fc from 'fast-check'
import {
  buildSchema,
  type IntrospectionField,
  type IntrospectionInputValue,
  type IntrospectionQuery,
  type IntrospectionType,
  introspectionFromSchema,
  validateSchema,
} from 'graphql'
import { describe, expect, test } from 'vitest'
import { spellSchema } from '../../src/hasura/spell-schema.ts'

const base = buildSchema(`
  directive @cached(ttl: Int! = 60) on QUERY
  schema { query: query_root mutation: mutation_root }
  type query_root {
    articles(where: articles_bool_exp, order_by: [articles_order_by!], limit: Int = 10): [articles!]!
    search(kind: kind!): [hit!]
    node(id: ID!): Node
  }
  type mutation_root { refresh: Boolean }
  type articles { id: Int! title: String kind: kind maximum: articles_max_fields }
  type articles_max_fields { id: Int }
  input articles_bool_exp { id: Int _and: [articles_bool_exp!] }
  input articles_order_by { id: order_by }
  enum order_by { asc desc }
  enum kind { big small }
  union hit = articles | Page
  interface Node { id: ID! }
  type Page implements Node { id: ID! url(size: size_input): String }
  input size_input { width: Int! }
`)

/** The schema of `base` as a server tells it, with something in it that it couldn't say in SDL. */
function shown(change: (types: Map<string, Mutable>) => void): IntrospectionQuery {
  const introspection = structuredClone(introspectionFromSchema(base))
  const types = new Map(introspection.__schema.types.map(type => [type.name, type as unknown as Mutable]))
  change(types)
  return introspection
}

interface Mutable {
  name: string
  kind: IntrospectionType['kind']
  fields: Part[]
  inputFields: Part[]
  enumValues: { name: string; isDeprecated: boolean; deprecationReason: string | null }[]
  possibleTypes: { kind: 'OBJECT'; name: string }[]
}
type Part = { -readonly [K in keyof (IntrospectionField & IntrospectionInputValue)]?: unknown } & { name: string }

const ref = (kind: string, name: string) => ({ kind, name, ofType: null })
const field = (name: string, type: unknown = ref('SCALAR', 'String'), args: readonly Part[] = []): Part => ({
  name,
  type,
  args,
  isDeprecated: false,
  deprecationReason: null,
})
const input = (name: string, type: unknown = ref('SCALAR', 'String'), defaultValue: string | null = null): Part => ({
  name,
  type,
  defaultValue,
})
const required = (type: unknown) => ({ kind: 'NON_NULL', name: null, ofType: type })

test('a schema that can be written is written whole, in an order of its own', () => {
  const { sdl, leftOut } = spellSchema(introspectionFromSchema(base))
  expect(leftOut).toEqual([])
  expect(spellSchema(introspectionFromSchema(buildSchema(sdl)))).toEqual({ sdl, leftOut })
  for (const name of ['@cached(ttl: Int! = 60)', 'limit: Int = 10', 'implements Node', 'union hit = Page | articles'])
    expect(sdl).toContain(name)
})

describe('leaves out and names', () => {
  test.each<[what: string, change: (types: Map<string, Mutable>) => void, leftOut: string[]]>([
    [
      'the column of a Mongoose migration, wherever the table shows it',
      types => {
        types.get('articles')?.fields.push(field('__v', ref('SCALAR', 'Int')))
        types.get('articles_bool_exp')?.inputFields.push(input('__v', ref('SCALAR', 'Int')))
        types.get('articles_order_by')?.inputFields.push(input('__v', ref('ENUM', 'order_by')))
      },
      ['articles.__v', 'articles_bool_exp.__v', 'articles_order_by.__v'],
    ],
    [
      'a type that would be empty, and what gives it',
      types => {
        const only = types.get('articles_max_fields')
        if (only) only.fields = [field('__v')]
      },
      ['articles.maximum', 'articles_max_fields'],
    ],
    [
      'values that GraphQL has words for',
      types => {
        const values = ['true', 'null', 'false', 'a-b'].map(name => ({
          name,
          isDeprecated: false,
          deprecationReason: null,
        }))
        types.get('kind')?.enumValues.push(...values)
      },
      ['kind.a-b', 'kind.null', 'kind.true', 'kind.false'],
    ],
    [
      'an enum without values, with the fields that can’t be asked for without it',
      types => {
        const kind = types.get('kind')
        if (kind) kind.enumValues = []
      },
      ['kind', 'articles.kind', 'query_root.search'],
    ],
    [
      'an input that lacks what it requires',
      types => types.get('size_input')?.inputFields.push(input('größe', required(ref('SCALAR', 'Int')))),
      ['size_input', 'Page.url(size:)'],
    ],
    [
      'a member that is no object',
      types => types.get('hit')?.possibleTypes.push({ kind: 'OBJECT', name: 'gone' }),
      ['hit (gone)'],
    ],
    [
      'a field without a type, and one of an unknown type',
      types => types.get('articles')?.fields.push(field('a', null), field('b', ref('OBJECT', 'gone'))),
      ['articles.a', 'articles.b'],
    ],
    ['the second of a name', types => types.get('articles')?.fields.push(field('id')), ['articles.id']],
    [
      'an interface that its type doesn’t fit, but not the type',
      types => {
        const page = types.get('Page')
        if (page) page.fields = page.fields.filter(({ name }) => name !== 'id')
      },
      ['Page (Node)'],
    ],
    [
      'a type by the name of what every object of JavaScript has, which codegen stumbles over',
      types => {
        const kind = types.get('kind')
        if (kind) kind.name = 'toString'
      },
      ['toString', 'articles.kind', 'query_root.search'],
    ],
    [
      'a type by the name of one of GraphQL’s own',
      types => {
        const kind = types.get('kind')
        if (kind) kind.name = 'Float'
      },
      ['Float', 'articles.kind', 'query_root.search'],
    ],
  ])('%s', (_what, change, leftOut) => {
    const spelled = spellSchema(shown(change))
    expect(spelled.leftOut).toEqual(leftOut)
    expect(validateSchema(buildSchema(spelled.sdl))).toEqual([])
    // What has nothing to do with it stays.
    expect(spelled.sdl).toContain('articles(limit: Int = 10')
  })
})

test('a default that can’t be read still says that the value may be left out', () => {
  const spelled = spellSchema(
    shown(types => types.get('size_input')?.inputFields.push(input('depth', required(ref('SCALAR', 'Int')), '{'))),
  )
  expect(spelled.sdl).toContain('depth: Int\n')
})

test('reasons of somebody’s own don’t get into generated code', () => {
  const { sdl } = spellSchema(
    shown(types => {
      const [title] = types.get('articles')?.fields ?? []
      Object.assign(title ?? {}, { isDeprecated: true, deprecationReason: '*/ \ud800 """' })
    }),
  )
  expect(sdl).toContain('id: Int! @deprecated\n')
})

test('a role that sees nothing which can be written is an error', () => {
  const nothing = shown(types => {
    const root = types.get('query_root')
    if (root) root.fields = [field('__v')]
  })
  expect(() => spellSchema(nothing)).toThrow('query_root')
})

/** Names that GraphQL, graphql-js, codegen, TypeScript or JavaScript's objects have something to say about. */
const names = fc.constantFrom(
  '__v', '__proto__', '__typename', '_id', 'a-b', '1st', 'größe', '', 'true', 'null', 'constructor', 'toString',
  'hasOwnProperty', 'class', 'default', 'type', 'input', 'on', 'fragment', 'Int', 'String', 'Query', 'Order', 'order',
  'user_s', 'users', 'query_root', 'kind', 'x'.repeat(200),
) // biome-ignore format: a list

const typeNames = fc.oneof(names, fc.constantFrom('articles', 'hit', 'Node', 'articles_bool_exp', 'order_by'))
const kinds = fc.constantFrom('SCALAR', 'OBJECT', 'ENUM', 'INPUT_OBJECT', 'UNION', 'INTERFACE')
const refs = fc.tuple(kinds, typeNames, fc.boolean(), fc.boolean()).map(([kind, name, isList, isRequired]) => {
  const list = isList ? { kind: 'LIST', name: null, ofType: ref(kind, name) } : ref(kind, name)
  return isRequired ? required(list) : list
})
const inputs = fc.array(
  fc.tuple(names, refs, fc.constantFrom(null, '1', '{', 'big')).map(each => input(...each)),
  { maxLength: 3 },
)
const fields = fc.array(
  fc.tuple(names, refs, inputs).map(each => field(...each)),
  { maxLength: 4 },
)
const named = fc.array(names, { maxLength: 3 })
const types = fc.array(
  fc.record({
    kind: kinds,
    name: names,
    fields,
    inputFields: inputs,
    interfaces: fc.array(
      typeNames.map(name => ref('INTERFACE', name)),
      { maxLength: 2 },
    ),
    possibleTypes: named.map(all => all.map(name => ref('OBJECT', name))),
    enumValues: named.map(all => all.map(name => ({ name, isDeprecated: false, deprecationReason: null }))),
  }),
  { maxLength: 8 },
)

test('whatever names a server tells, what is written is valid, and what could be written before still is', () => {
  fc.assert(
    fc.property(types, fields, (more, roots) => {
      const introspection = shown(known => known.get('query_root')?.fields.push(...roots))
      Object.assign(introspection.__schema, { types: [...introspection.__schema.types, ...more] })
      const { sdl } = spellSchema(introspection)
      const schema = buildSchema(sdl)
      expect(validateSchema(schema)).toEqual([])
      expect(Object.keys(schema.getTypeMap())).toEqual(expect.arrayContaining(Object.keys(base.getTypeMap())))
    }),
    { numRuns: 100 },
  )
})
