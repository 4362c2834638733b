/** Hasura names scalars as Postgres names types, in either of Postgres' own two ways; GraphQL's five have names of their own. */
const columnTypes: Readonly<Record<string, string>> = {
  Int: 'integer',
  Float: 'double precision',
  String: 'text',
  Boolean: 'boolean',
  ID: 'text',
  uuid: 'uuid',
  timestamptz: 'timestamp with time zone',
  timestamp: 'timestamp without time zone',
  date: 'date',
  time: 'time without time zone',
  timetz: 'time with time zone',
  interval: 'interval',
  bigint: 'bigint',
  int8: 'bigint',
  int4: 'integer',
  integer: 'integer',
  smallint: 'smallint',
  int2: 'smallint',
  numeric: 'numeric',
  float8: 'double precision',
  float4: 'real',
  real: 'real',
  bool: 'boolean',
  jsonb: 'jsonb',
  json: 'json',
  bytea: 'bytea',
}

/** The Postgres type in which a scalar is mirrored; what isn't known (an enum, citext, a custom type) is kept as text. */
export function columnTypeOf(scalar: string): string {
  return columnTypes[scalar] ?? 'text'
}

/** GraphQL's own numbers take no text in variables; Hasura's other scalars take either. */
export function isGraphQLNumber(scalar: string): boolean {
  return scalar === 'Int' || scalar === 'Float'
}
