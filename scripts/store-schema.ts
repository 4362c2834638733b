/**
 * Writes the store's tables, as the migrations create them, to schema/store.sql. With `--check` it writes nothing, and exits with 1
 * if the committed file differs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { PGlite } from '@electric-sql/pglite'
import { migrationStatements } from '../src/store/migrations.ts'

const file = new URL('../schema/store.sql', import.meta.url)

interface Column {
  readonly table_name: string
  readonly definition: string
}

interface Statement {
  readonly table_name: string
  readonly statement: string
}

const columnsOfTables = `
  select c.relname as table_name,
    quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
      || case when a.attidentity = 'a' then ' generated always as identity' else '' end
      || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
      || case when a.attnotnull then ' not null' else '' end as definition
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
  where c.relnamespace = 'worker'::regnamespace and c.relkind = 'r'
  order by c.relname, a.attnum`

const constraints = `
  select c.relname as table_name, pg_get_constraintdef(o.oid) as statement
  from pg_constraint o join pg_class c on c.oid = o.conrelid
  where o.connamespace = 'worker'::regnamespace and o.contype in ('p', 'u', 'c', 'f')
  order by c.relname, o.contype <> 'p', o.conname`

const indexes = `
  select i.tablename as table_name, i.indexdef as statement from pg_indexes i
  where i.schemaname = 'worker'
    and not exists (select from pg_constraint o where o.conname = i.indexname and o.connamespace = 'worker'::regnamespace)
  order by i.tablename, i.indexname`

const identities = `
  select relname as table_name, format('alter table worker.%I replica identity full', relname) as statement
  from pg_class where relnamespace = 'worker'::regnamespace and relreplident = 'f'`

const functions = `
  select p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ') returns ' || pg_get_function_result(p.oid) as signature
  from pg_proc p where p.pronamespace = 'worker'::regnamespace order by 1`

const text = await render()
if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (readFileSync(file, 'utf8') !== text) {
  console.error('schema/store.sql differs from the migrations: run "npm run store-schema"')
  process.exitCode = 1
}

async function render(): Promise<string> {
  const database = await PGlite.create()
  for (const statement of [...migrationStatements.values()].flat()) await database.exec(statement)
  const { rows: columns } = await database.query<Column>(columnsOfTables)
  const { rows: limits } = await database.query<Statement>(constraints)
  const { rows: lookups } = await database.query<Statement>(indexes)
  const { rows: published } = await database.query<Statement>(identities)
  const { rows: signatures } = await database.query<{ signature: string }>(functions)
  await database.close()
  const tables = [...new Set(columns.map(({ table_name }) => table_name))].map(table => {
    const of = <T extends { readonly table_name: string }>(rows: readonly T[]) =>
      rows.filter(({ table_name }) => table_name === table)
    const parts = [...of(columns).map(({ definition }) => definition), ...of(limits).map(({ statement }) => statement)]
    const more = [...of(lookups), ...of(published)].map(({ statement }) => `${statement};\n`)
    return `create table worker.${table} (\n${parts.map(part => `  ${part}`).join(',\n')}\n);\n${more.join('')}`
  })
  const header = "-- The store's tables and the signatures of its functions. Written by: npm run store-schema\n"
  return [header, ...tables, signatures.map(({ signature }) => `-- worker.${signature}\n`).join('')].join('\n')
}
