/** What this worker knows of a scalar: everything else follows from the Postgres type in which it is mirrored. */
interface Scalar {
  readonly column: string
  /** As what two values compare, where the column is kept as text because Postgres' type would round it. */
  readonly comparedAs?: string
  /** Its database has no order for it, whatever the API's operators say. */
  readonly isUnordered?: true
}

const text: Scalar = { column: 'text' }
const withoutOrder: Scalar = { column: 'text', isUnordered: true }

/**
 * By the name that Hasura gives them: that of the database's type (for Postgres in either of Postgres' own two ways), and
 * GraphQL's five. SQL Server's `datetime2` and `datetimeoffset` count in 100 nanoseconds, and Postgres in 1000.
 */
const scalars: Readonly<Record<string, Scalar>> = {
  Int: { column: 'integer' },
  Float: { column: 'double precision' },
  String: text,
  Boolean: { column: 'boolean' },
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
  uniqueidentifier: { column: 'uuid' },
  datetime2: { column: 'text', comparedAs: 'timestamp without time zone' },
  datetimeoffset: { column: 'text', comparedAs: 'timestamp with time zone' },
  datetime: { column: 'timestamp without time zone' },
  smalldatetime: { column: 'timestamp without time zone' },
  tinyint: { column: 'smallint' },
  decimal: { column: 'numeric' },
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
 * How an API spells its names. From v2.49 on Hasura's `graphql-default` writes scalars with a capital (`Timestamptz`); under
 * `hasura-default` a scalar with a capital is a type of the database's owner, such as an enum `Interval`.
 */
export type NamingConvention = 'hasura-default' | 'graphql-default'

/** The Postgres type in which a scalar is mirrored; what isn't known (an enum, a custom type) is kept as text. */
export function columnTypeOf(scalar: string, naming: NamingConvention): string {
  return find(scalar, naming).column
}

/** The Postgres type as which two of its values compare. */
export function comparedAs(scalar: string, naming: NamingConvention): string {
  const { column, comparedAs = column } = find(scalar, naming)
  return comparedAs
}

/** Whether rows can have an order by it. */
export function isOrdered(scalar: string, naming: NamingConvention): boolean {
  return !find(scalar, naming).isUnordered
}

/** The TypeScript types of the scalars in either spelling, as codegen's option `scalars` takes them. GraphQL's own are its. */
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

/** Of what Hasura's JSON holds: digits beyond 2^53 survive only in the text of a page, so JavaScript gets no promise. */
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
  // An array is called as Postgres calls its type: `_uuid`.
  return (Object.hasOwn(scalars, name) ? scalars[name] : undefined) ?? (scalar.startsWith('_') ? withoutOrder : text)
}

/** GraphQL's own numbers take no text in variables; Hasura's other scalars take either. */
export function isGraphQLNumber(scalar: string): boolean {
  return scalar === 'Int' || scalar === 'Float'
}
