import { expect, test } from 'vitest'
import {
  columnTypeOf,
  comparedAs,
  isOrdered,
  type NamingConvention,
  sentAs,
  typescriptScalars,
} from '../../src/hasura/scalars.ts'

test.each<[scalar: string, plain: string, capital: string]>([
  ['uuid', 'uuid', 'uuid'],
  ['Uuid', 'text', 'uuid'],
  ['Timestamptz', 'text', 'timestamp with time zone'],
  ['Numeric', 'text', 'numeric'],
  ['Float8', 'text', 'double precision'],
  ['Interval', 'text', 'interval'],
  ['Int', 'integer', 'integer'],
  ['uniqueidentifier', 'uuid', 'uuid'],
  ['tinyint', 'smallint', 'smallint'],
  ['bigquery_timestamp', 'timestamp with time zone', 'timestamp with time zone'],
  ['mood', 'text', 'text'],
  ['constructor', 'text', 'text'],
  ['toString', 'text', 'text'],
  ['__proto__', 'text', 'text'],
  ['', 'text', 'text'],
])('%s is mirrored as %s, under graphql-default as %s', (scalar, plain, capital) => {
  expect(columnTypeOf(scalar, 'hasura-default')).toBe(plain)
  expect(columnTypeOf(scalar, 'graphql-default')).toBe(capital)
})

test.each<[naming: NamingConvention, scalar: string, column: string]>([
  ['mssql', 'Int', 'bigint'],
  ['mssql', 'Float', 'numeric'],
  ['mssql', 'uniqueidentifier', 'uuid'],
  ['mssql', 'Date', 'text'],
  ['mssql', 'time', 'text'],
  ['mssql', 'timestamp', 'text'],
  ['bigquery', 'Int', 'bigint'],
  ['bigquery', 'Float', 'numeric'],
  ['bigquery', 'decimal', 'numeric'],
  ['bigquery', 'Date', 'date'],
  ['bigquery', 'Time', 'time without time zone'],
  ['bigquery', 'Datetime', 'timestamp without time zone'],
  ['bigquery', 'Timestamp', 'timestamp with time zone'],
  ['bigquery', 'Bytes', 'text'],
  ['data-connector', 'Int', 'numeric'],
  ['data-connector', 'Float', 'numeric'],
  ['data-connector', 'number', 'numeric'],
  ['data-connector', 'bool', 'boolean'],
  ['data-connector', 'date', 'date'],
  ['data-connector', 'VARIANT', 'text'],
  ['mongodb', 'date', 'timestamp with time zone'],
  ['mongodb', 'double', 'numeric'],
  ['mongodb', 'objectId', 'text'],
])('in a source of %s, %s is mirrored as %s', (naming, scalar, column) => {
  expect(columnTypeOf(scalar, naming)).toBe(column)
})

test.each<NamingConvention>(['hasura-default', 'graphql-default', 'mssql'])(
  'SQL Server’s instants compare as instants under %s',
  naming => {
    expect(comparedAs('datetime2', naming)).toBe('timestamp without time zone')
    expect(comparedAs('datetimeoffset', naming)).toBe('timestamp with time zone')
    expect(comparedAs('uniqueidentifier', naming)).toBe('uuid')
  },
)

test('an instant of a data connector is mirrored as text, with all its digits, and compares as an instant', () => {
  expect(columnTypeOf('datetime_with_timezone', 'data-connector')).toBe('text')
  expect(comparedAs('datetime_with_timezone', 'data-connector')).toBe('timestamp with time zone')
})

test('a time of SQL Server compares as a time, and its timestamp, a row’s version, has no order', () => {
  expect(comparedAs('time', 'mssql')).toBe('time without time zone')
  expect(isOrdered('time', 'mssql')).toBe(true)
  expect(isOrdered('timestamp', 'mssql')).toBe(false)
})

test.each<[naming: NamingConvention, scalar: string, kind: ReturnType<typeof sentAs>]>([
  ['hasura-default', 'Int', 'number'],
  ['hasura-default', 'Float', 'number'],
  ['hasura-default', 'decimal', 'number'],
  ['hasura-default', 'Boolean', 'boolean'],
  ['hasura-default', 'numeric', undefined],
  ['hasura-default', 'number', undefined],
  ['hasura-default', 'bool', undefined],
  ['mssql', 'Int', 'number'],
  ['bigquery', 'Float', 'number'],
  ['data-connector', 'Int', 'number'],
  ['data-connector', 'number', 'number'],
  ['data-connector', 'decimal', 'number'],
  ['data-connector', 'bool', 'boolean'],
  ['data-connector', 'string', undefined],
  ['mongodb', 'int', 'number'],
  ['mongodb', 'double', 'number'],
  ['mongodb', 'decimal', undefined],
  ['mongodb', 'long', undefined],
])('in a source of %s, %s is sent as %s', (naming, scalar, kind) => {
  expect(sentAs(scalar, naming)).toBe(kind)
})

test.each(['json', 'jsonb', 'xml', 'point', 'xid'])('%s has no order', scalar => {
  expect(isOrdered(scalar, 'hasura-default')).toBe(false)
})

test('codegen knows the scalars in both spellings', () => {
  expect(typescriptScalars()).toMatchObject({
    uuid: { input: 'string', output: 'string' },
    Bigint: { input: 'string | number', output: 'string | number' },
    jsonb: { input: 'unknown', output: 'unknown' },
  })
  expect(Object.keys(typescriptScalars())).not.toContain('String')
})
