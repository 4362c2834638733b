import {
  type DocumentNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isLeafType,
  isNonNullType,
  visit,
} from 'graphql'
import { namespaceOf, readShownQuery, type ShownField } from '#sandbox/hasura/shown-field'
import { identifier, literal } from '#sandbox/hasura/sql-builder'
import { readNaming } from '../hasura/read-naming.ts'
import { columnTypeOf, type NamingConvention } from '../hasura/scalars.ts'

/** A table that an API must have so that a role sees what its SDL describes. */
export interface SchemaTable {
  /** That of the type of its rows. */
  readonly name: string
  /** The names of the root fields that read it. */
  readonly rootFields: readonly string[]
  readonly columns: readonly SchemaColumn[]
  /** Empty for a view, whose SDL shows no key. */
  readonly key: readonly string[]
  readonly allowsAggregations: boolean
}

interface SchemaColumn {
  readonly name: string
  readonly type: string
  readonly nullable: boolean
  /** Those of an enum. */
  readonly values?: readonly string[]
}

/** The tables of the lists in a role's query root. Relationships are omitted, because the SDL doesn't show their columns. */
export function findSchemaTables(schema: GraphQLSchema): readonly SchemaTable[] {
  const root = Object.values(schema.getQueryType()?.getFields() ?? {})
  const inNamespaces = root.flatMap(field => Object.values(namespaceOf(field)?.getFields() ?? {}))
  const byTable = Map.groupBy(
    [...root, ...inNamespaces].flatMap(field => readShownQuery(field) ?? []),
    ({ row }) => row.name,
  )
  return [...byTable].flatMap(([name, fields]) => {
    const list = fields.find(({ kind }) => kind === 'select')
    if (!list) return []
    const naming = readNaming(list.field)
    return [
      {
        name,
        rootFields: fields.map(({ field }) => field.name),
        columns: Object.values(list.row.getFields()).flatMap(field => readColumn(field, naming)),
        key: keyOf(fields),
        allowsAggregations: fields.some(({ kind }) => kind === 'selectAggregate'),
      },
    ]
  })
}

function keyOf(fields: readonly ShownField[]): readonly string[] {
  return fields.find(({ kind }) => kind === 'selectByKey')?.field.args.map(({ name }) => name) ?? []
}

function readColumn(
  { name, type, args }: GraphQLField<unknown, unknown>,
  naming: NamingConvention,
): readonly SchemaColumn[] {
  const scalar = getNamedType(type)
  // Only a JSON column takes an argument: the path into it.
  if (!isLeafType(scalar) || args.some(arg => arg.name !== 'path')) return []
  return [
    {
      name,
      type: columnTypeOf(scalar.name, naming),
      nullable: !isNonNullType(type),
      ...(isEnumType(scalar) && { values: scalar.getValues().map(value => value.name) }),
    },
  ]
}

/** Whether one of the documents may read the table: of thousands that a role sees, a project's jobs read few. */
export function createUseCheck(documents: readonly DocumentNode[]): (table: SchemaTable) => boolean {
  const fields = new Set<string>()
  for (const document of documents) visit(document, { Field: ({ name }) => void fields.add(name.value) })
  return ({ rootFields }) => rootFields.some(field => fields.has(field))
}

/** The table of which several roles see different parts. */
export function joinTables(name: string, tables: readonly SchemaTable[]): SchemaTable {
  const columns = new Map(tables.flatMap(table => table.columns.map(column => [column.name, column])))
  return {
    name,
    rootFields: [...new Set(tables.flatMap(({ rootFields }) => rootFields))],
    columns: [...columns.values()],
    key: tables.map(({ key }) => key).find(key => key.length > 0) ?? [],
    allowsAggregations: tables.some(({ allowsAggregations }) => allowsAggregations),
  }
}

/** @param rows how many each table gets; the same each time, each later than the one before */
export function renderTables(tables: readonly SchemaTable[], rows: number): string {
  return tables.map(table => `${renderTable(table)}\n${renderRows(table, rows)}`).join('\n')
}

function renderTable({ name, columns, key }: SchemaTable): string {
  const parts = columns.map(column => `${identifier(column.name)} ${column.type}${column.nullable ? '' : ' not null'}`)
  const primaryKey = key.length > 0 ? [`primary key (${key.map(identifier).join(', ')})`] : []
  return `create table public.${identifier(name)} (${[...parts, ...primaryKey].join(', ')});`
}

function renderRows({ name, columns }: SchemaTable, rows: number): string {
  const values = columns.map(column => renderValue(column))
  // A key may have fewer values than there are rows to make, such as the boolean of a table that has one row.
  return `insert into public.${identifier(name)} (${columns.map(column => identifier(column.name)).join(', ')})
    select ${values.join(', ')} from generate_series(1, ${rows}) as n on conflict do nothing;`
}

const start = "timestamptz '2026-01-01 00:00:00Z'"

function renderValue({ name, type, values: ofEnum }: SchemaColumn): string {
  if (ofEnum) return `(array[${ofEnum.map(literal).join(', ')}])[1 + n % ${ofEnum.length}]`
  const value = values[type]
  return value === undefined ? `${literal(`${name} `)} || n` : `(${value})::${type}`
}

/** By the type of the column; default: text. */
const values: Readonly<Record<string, string>> = {
  uuid: "'00000000-0000-4000-8000-' || lpad(n::text, 12, '0')",
  boolean: 'n % 2 = 0',
  smallint: 'n % 32768',
  integer: 'n',
  bigint: 'n',
  numeric: 'n / 8.0',
  real: 'n / 8.0',
  'double precision': 'n / 8.0',
  bytea: "convert_to('row ' || n, 'UTF8')",
  json: "jsonb_build_object('n', n)",
  jsonb: "jsonb_build_object('n', n)",
  date: `${start} + n * interval '1 day'`,
  'timestamp with time zone': `${start} + n * interval '1 minute'`,
  'timestamp without time zone': `(${start} + n * interval '1 minute') at time zone 'UTC'`,
  'time without time zone': "time '00:00' + n * interval '1 second'",
  'time with time zone': "time '00:00' + n * interval '1 second'",
  interval: "n * interval '1 minute'",
}
