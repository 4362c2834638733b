import { readRootField } from '../../src/add/root-field.ts'
import { type RoleSchema, readSchema } from '../../src/hasura/role-schema.ts'

const list = (name: string, more = '') =>
  `(distinct_on: [String!], limit: Int, offset: Int, order_by: [${name}_order_by!], where: ${name}_bool_exp${more})`

/** One table by its columns (`id: uuid!`), as Hasura shows it to a role. */
export function describeTable(name: string, columns: string, byKey = ''): string {
  const fields = [...columns.matchAll(/^\s*(\w+)[^:\n]*(?:\([^)]*\))?: *\[?(\w+)/gm)]
  const leaves = fields.filter(([, , type = '']) => !/^(?:things|others)$/.test(type))
  return `
type ${name} {
${columns}
}
input ${name}_bool_exp { ${leaves.map(([, column, type]) => `${column}: ${type === 'kinds_enum' ? 'enum' : 'ordered'}_comparison_exp`).join(' ')} }
input ${name}_order_by { ${leaves.map(([, column]) => `${column}: order_by`).join(' ')} }
extend type query_root {
  ${name}${list(name)}: [${name}!]!
  ${byKey === '' ? '' : `${name}_by_pk(${byKey}): ${name}`}
}`
}

export function readSdl(...parts: string[]): RoleSchema {
  const base = `
schema { query: query_root mutation: mutation_root }
scalar uuid scalar timestamptz scalar timestamp scalar date scalar time scalar float8 scalar jsonb scalar bigint scalar mood scalar datetime2 scalar datetimeoffset
input ordered_comparison_exp { _eq: Int _gt: Int _gte: Int _lt: Int _lte: Int _in: [Int!] }
input enum_comparison_exp { _eq: Int _in: [Int!] }
enum order_by { asc desc }
enum kinds_enum { big small }
type query_root { version: String ping(host: String!): [pong!]! }
type pong { ms: Int }
type mutation_root { insert_things: Int }`
  return readSchema('viewer', [base, ...parts].join('\n'))
}

/** The root field `things` of a table with these columns. */
export function readThings(columns: string, byKey = 'id: uuid!') {
  return readRootField('things', readSdl(describeTable('things', columns, byKey)))
}

export { list as listArguments }
