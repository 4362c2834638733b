/** A known scalar: everything else follows from the Postgres type of its mirror column. */
interface Scalar {
  readonly column: string
  /** The type by which values are compared, when the column is stored as text because Postgres' type would round it. */
  readonly comparedAs?: string
  /** The database can't order it, even if the API has operators for it. */
  readonly isUnordered?: true
  /** The database compares its last bytes first, so that its values don't grow with time, unlike a `uuid` of version 7. */
  readonly isComparedFromEnd?: true
  /** What its values are as variables, when it accepts no text. */
  readonly sentAs?: 'number' | 'boolean'
  /** A variable of it is a double to Hasura, although the column may be an exact decimal. */
  readonly isComparedAsDouble?: true
}

const text: Scalar = { column: 'text' }
const exactNumber: Scalar = { column: 'numeric', sentAs: 'number' }
const withoutOrder: Scalar = { column: 'text', isUnordered: true }

/**
 * By Hasura's name: that of the database's type (for Postgres either of its two names), and GraphQL's five. SQL Server's `datetime2` and
 * `datetimeoffset` have a resolution of 100 nanoseconds, Postgres of 1000.
 */
const scalars: Readonly<Record<string, Scalar>> = {
  Int: { column: 'integer', sentAs: 'number' },
  Float: { column: 'double precision', sentAs: 'number' },
  String: text,
  Boolean: { column: 'boolean', sentAs: 'boolean' },
  ID: text,

  uuid: { column: 'uuid' },
  timestamptz: { column: 'timestamp with time zone' },
  timestamp: { column: 'timestamp without time zone' },
  date: { column: 'date' },
  time: { column: 'time without time zone' },
  timetz: { column: 'time with time zone' },
  interval: { column: 'interval' },
  bigint: { column: 'bigint' },
  int8: { column: 'bigint' },
  int4: { column: 'integer' },
  integer: { column: 'integer' },
  smallint: { column: 'smallint' },
  int2: { column: 'smallint' },
  numeric: { column: 'numeric' },
  float8: { column: 'double precision' },
  float4: { column: 'real' },
  real: { column: 'real' },
  bool: { column: 'boolean' },
  jsonb: { column: 'jsonb', isUnordered: true },
  json: { column: 'json', isUnordered: true },
  bytea: { column: 'bytea' },
  citext: text,
  bpchar: text,
  varchar: text,
  xml: withoutOrder,
  point: withoutOrder,
  line: withoutOrder,
  lseg: withoutOrder,
  box: withoutOrder,
  path: withoutOrder,
  polygon: withoutOrder,
  circle: withoutOrder,
  jsonpath: withoutOrder,
  xid: withoutOrder,
  cid: withoutOrder,

  // SQL Server (`money` is left out: Postgres' own is a text with a currency)
  uniqueidentifier: { column: 'uuid', isComparedFromEnd: true },
  datetime2: { column: 'text', comparedAs: 'timestamp without time zone' },
  datetimeoffset: { column: 'text', comparedAs: 'timestamp with time zone' },
  datetime: { column: 'timestamp without time zone' },
  smalldatetime: { column: 'timestamp without time zone' },
  tinyint: { column: 'smallint' },
  decimal: exactNumber,
  char: text,
  nchar: text,
  nvarchar: text,
  ntext: text,

  bigquery_int: { column: 'bigint' },
  bigquery_float: { column: 'double precision' },
  bigquery_decimal: { column: 'numeric' },
  bigquery_bigdecimal: { column: 'numeric' },
  bigquery_date: { column: 'date' },
  bigquery_time: { column: 'time without time zone' },
  bigquery_datetime: { column: 'timestamp without time zone' },
  bigquery_timestamp: { column: 'timestamp with time zone' },
}

/**
 * How an API names its types. Since v2.49 Hasura's `graphql-default` capitalizes scalars (`Timestamptz`); under `hasura-default` a
 * capitalized scalar is a user-defined type, such as an enum `Interval`. For other databases than Postgres there is no choice.
 */
export type NamingConvention =
  | 'hasura-default'
  | 'graphql-default'
  | 'mssql'
  | 'bigquery'
  | 'data-connector'
  | 'mongodb'

/** There `Int` is also a type of 64 bits, and `Float` also an exact decimal (`msColumnParser`, `bqColumnParser` in Hasura's source). */
const wideNumbers: Readonly<Record<string, Scalar>> = {
  Int: { column: 'bigint', sentAs: 'number' },
  Float: exactNumber,
}

/**
 * The scalars of data connectors have the names that the agent gives them, and accept what it declares (`graphql_type` of its
 * capabilities), which the API doesn't show. These are of Hasura's own agents; Snowflake's `Int` has up to 38 digits.
 */
const connectorScalars: Readonly<Record<string, Scalar>> = {
  Int: exactNumber,
  Float: exactNumber,
  number: exactNumber,
  int: exactNumber,
  double: exactNumber,
  bool: { column: 'boolean', sentAs: 'boolean' },
  // A `TIMESTAMP` of MySQL; those of Oracle and Snowflake have up to nine digits.
  datetime_with_timezone: { column: 'text', comparedAs: 'timestamp with time zone' },
}

/** The scalars with another meaning than elsewhere. */
const ownScalars: Readonly<Record<NamingConvention, Readonly<Record<string, Scalar>>>> = {
  'hasura-default': {},
  'graphql-default': {},
  mssql: {
    ...wideNumbers,
    Float: { ...exactNumber, isComparedAsDouble: true },
    // With 100 nanoseconds too.
    time: { column: 'text', comparedAs: 'time without time zone' },
    // A `rowversion`, whose bytes arrive in base64.
    timestamp: withoutOrder,
  },
  bigquery: {
    ...wideNumbers,
    Date: { column: 'date' },
    Time: { column: 'time without time zone' },
    Datetime: { column: 'timestamp without time zone' },
    Timestamp: { column: 'timestamp with time zone' },
  },
  'data-connector': connectorScalars,
  mongodb: { ...connectorScalars, decimal: { column: 'numeric' }, date: { column: 'timestamp with time zone' } },
}

/** The Postgres type that mirrors a scalar; text for an unknown one (an enum, a custom type). */
export function columnTypeOf(scalar: string, naming: NamingConvention): string {
  return find(scalar, naming).column
}

/** The Postgres type by which its values are compared. */
export function comparedAs(scalar: string, naming: NamingConvention): string {
  const { column, comparedAs = column } = find(scalar, naming)
  return comparedAs
}

/** Whether rows can be ordered by it. */
export function isOrdered(scalar: string, naming: NamingConvention): boolean {
  return !find(scalar, naming).isUnordered
}

/** The TypeScript types of the scalars in either spelling, for codegen's option `scalars`; codegen has GraphQL's own. */
export function typescriptScalars(): Record<string, { readonly input: string; readonly output: string }> {
  return Object.fromEntries(
    Object.entries(scalars)
      .filter(([name]) => name === name.toLowerCase())
      .flatMap(([name, { column }]) => {
        const type = typescriptTypes[column] ?? 'string'
        return [name, name.charAt(0).toUpperCase() + name.slice(1)].map(spelled => [
          spelled,
          { input: type, output: type },
        ])
      }),
  )
}

/** The types in Hasura's JSON. Integers beyond 2^53 are text, and with `--stringify-numeric-types` all these numbers are. */
const typescriptTypes: Readonly<Record<string, string>> = {
  integer: 'number',
  smallint: 'number',
  bigint: 'string | number',
  numeric: 'string | number',
  real: 'string | number',
  'double precision': 'string | number',
  boolean: 'boolean',
  jsonb: 'unknown',
  json: 'unknown',
}

function find(scalar: string, naming: NamingConvention): Scalar {
  const plain = scalar.charAt(0).toLowerCase() + scalar.slice(1)
  const name = naming === 'graphql-default' && !Object.hasOwn(scalars, scalar) ? plain : scalar
  const known = [ownScalars[naming], scalars].find(table => Object.hasOwn(table, name))
  // An array has Postgres' name of its type: `_uuid`.
  return known?.[name] ?? (scalar.startsWith('_') ? withoutOrder : text)
}

/**
 * What its values are as variables; undefined for text. GraphQL's own numbers accept no text, and neither does `decimal` of BigQuery and
 * data connectors (`scientific` in Hasura's source). Hasura's other scalars accept both.
 */
export function sentAs(scalar: string, naming: NamingConvention): Scalar['sentAs'] {
  return find(scalar, naming).sentAs
}

/** Whether the API compares its decimals as doubles. */
export function isComparedAsDouble(scalar: string, naming: NamingConvention): boolean {
  return find(scalar, naming).isComparedAsDouble ?? false
}

/** Whether its database compares the last bytes first. */
export function isComparedFromEnd(scalar: string, naming: NamingConvention): boolean {
  return find(scalar, naming).isComparedFromEnd ?? false
}
