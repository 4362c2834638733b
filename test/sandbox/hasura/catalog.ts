import { z } from 'zod'
import type { Query } from './database.ts'
import { tableName } from './sql-builder.ts'

export interface Column {
  /** The name in requests. */
  readonly name: string
  /** The name in the database and the metadata. */
  readonly sqlName: string
  /** Postgres' name of the type: `uuid`, `int8`, `timestamptz`, … */
  readonly type: string
  readonly nullable: boolean
  readonly hasDefault: boolean
  /** Read as text, whatever its type: a request's `_cast`. */
  readonly asText?: boolean
}

interface ForeignKey {
  readonly columns: readonly string[]
  readonly target: string
  readonly targetColumns: readonly string[]
}

export interface Table {
  /** The name in requests. */
  readonly name: string
  /** SQL of something to select from that has the columns by the names of requests; the table itself unless they have others. */
  readonly source: string
  readonly columns: ReadonlyMap<string, Column>
  readonly primaryKey: readonly string[]
  /** Names of the primary key and the unique constraints: what an upsert may name. */
  readonly uniqueConstraints: readonly { name: string; columns: readonly string[] }[]
  readonly foreignKeys: readonly ForeignKey[]
}

export interface SqlFunction {
  readonly name: string
  readonly returns: string
  readonly volatile: boolean
  readonly arguments: readonly { name: string; type: string; hasDefault: boolean }[]
}

export interface Catalog {
  readonly tables: ReadonlyMap<string, Table>
  readonly functions: ReadonlyMap<string, SqlFunction>
}

const columnRows = z.array(
  z.object({ table: z.string(), name: z.string(), type: z.string(), nullable: z.boolean(), has_default: z.boolean() }),
)
const constraintRows = z.array(
  z.object({
    table: z.string(),
    name: z.string(),
    kind: z.enum(['p', 'u', 'f']),
    columns: z.array(z.string()),
    target: z.string().nullable(),
    target_columns: z.array(z.string()),
  }),
)
const functionRows = z.array(
  z.object({
    name: z.string(),
    returns: z.string(),
    volatile: z.boolean(),
    names: z.array(z.string()),
    types: z.array(z.string()),
    defaults: z.number(),
  }),
)

/** The tables that the migrations created, read from the database. */
export async function loadCatalog(query: Query): Promise<Catalog> {
  const columns = columnRows.parse(
    await query(`
    SELECT c.relname AS "table", a.attname AS name, t.typname AS type, NOT a.attnotnull AS nullable, a.atthasdef AS has_default
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum`),
  )
  const columnNames = (keys: string, relation: string) => `
    ARRAY(SELECT a.attname::text FROM unnest(${keys}) WITH ORDINALITY AS k (n, i)
      JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.n ORDER BY k.i)`
  const constraints = constraintRows.parse(
    await query(`
    SELECT c.relname AS "table", o.conname AS name, o.contype::text AS kind, f.relname AS target,
      ${columnNames('o.conkey', 'o.conrelid')} AS columns, ${columnNames('o.confkey', 'o.confrelid')} AS target_columns
    FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
    LEFT JOIN pg_catalog.pg_class f ON f.oid = o.confrelid
    WHERE o.connamespace = 'public'::regnamespace AND o.contype IN ('p', 'u', 'f')
    ORDER BY o.conname`),
  )
  const functions = functionRows.parse(
    await query(`
    SELECT p.proname AS name, r.typname AS returns, p.provolatile = 'v' AS volatile,
      coalesce(p.proargnames, '{}')::text[] AS names, p.pronargdefaults::int AS defaults,
      ARRAY(SELECT t.typname::text FROM unnest(p.proargtypes) WITH ORDINALITY AS k (oid, i)
        JOIN pg_catalog.pg_type t ON t.oid = k.oid ORDER BY k.i) AS types
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_type r ON r.oid = p.prorettype
    WHERE p.pronamespace = 'public'::regnamespace AND p.proretset`),
  )
  const tables = new Map<string, Table>()
  for (const name of new Set(columns.map(column => column.table))) {
    const own = constraints.filter(constraint => constraint.table === name)
    tables.set(name, {
      name,
      source: tableName(name),
      columns: new Map(
        columns
          .filter(column => column.table === name)
          .map(c => [
            c.name,
            { name: c.name, sqlName: c.name, type: c.type, nullable: c.nullable, hasDefault: c.has_default },
          ]),
      ),
      primaryKey: own.find(constraint => constraint.kind === 'p')?.columns ?? [],
      uniqueConstraints: own.filter(({ kind }) => kind !== 'f').map(c => ({ name: c.name, columns: c.columns })),
      foreignKeys: own.flatMap(({ columns, target, target_columns }) =>
        target === null ? [] : [{ columns, target, targetColumns: target_columns }],
      ),
    })
  }
  return {
    tables,
    functions: new Map(
      functions.map(({ name, returns, volatile, names, types, defaults }) => [
        name,
        {
          name,
          returns,
          volatile,
          arguments: types.map((type, i) => ({
            name: names[i] ?? `arg_${i + 1}`,
            type,
            hasDefault: i >= types.length - defaults,
          })),
        },
      ]),
    ),
  }
}
