import { z } from 'zod'
import { loadMetadata } from '#sandbox/hasura/load-metadata'
import { type Metadata, tableMetadataSchema } from '#sandbox/hasura/metadata-schema'
import { roleOf, rolesOf } from '../definitions/contract.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { loadRoleSchema } from '../hasura/role-schema.ts'
import { createUseCheck, findSchemaTables, joinTables, renderTables } from './tables-of-schema.ts'

/** A project's own source, by the names of the SDL of the roles of the jobs. */
export async function readSource(
  schemaFolder: URL,
  jobs: readonly JobDefinition[],
  { sql, metadataFolder }: { readonly sql: string; readonly metadataFolder: string },
) {
  const metadata = readMetadata(metadataFolder)
  const schemas = await Promise.all(rolesOf(jobs).map(role => loadRoleSchema(schemaFolder, role)))
  return { sql, metadata: { ...metadata, shown: new Map(schemas.map(({ role, schema }) => [role, schema])) } }
}

/** Of Hasura's metadata the API knows a part, and refuses the rest, because tests would rely on what it ignores. */
function readMetadata(folder: string): Metadata {
  try {
    return loadMetadata(folder)
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error
    throw new ConfigError([
      {
        found: `The API of tests can't serve all of the metadata in ${folder} (${explainIssues(error, 'metadata')})`,
        remedy: 'give it a copy without these parts',
      },
    ])
  }
}

/** Tables that suit what the roles of the jobs see. */
export async function makeSource(schemaFolder: URL, jobs: readonly JobDefinition[], rows: number) {
  const ofHasura = jobs.filter(job => roleOf(job) !== undefined)
  const isUsed = ofHasura.every(({ operations = [] }) => operations.length > 0)
    ? createUseCheck(ofHasura.flatMap(({ operations = [] }) => operations))
    : () => true
  const seen = await Promise.all(
    rolesOf(jobs).map(async role => {
      const { schema } = await loadRoleSchema(schemaFolder, role)
      return { role, schema, tables: findSchemaTables(schema).filter(isUsed) }
    }),
  )
  const byName = Map.groupBy(
    seen.flatMap(({ role, tables }) => tables.map(table => ({ role, table }))),
    ({ table }) => table.name,
  )
  const tables = [...byName].map(([name, sights]) =>
    joinTables(
      name,
      sights.map(({ table }) => table),
    ),
  )
  const tracked = [...byName].map(([name, sights]) =>
    tableMetadataSchema.parse({
      table: { schema: 'public', name },
      select_permissions: sights.map(({ role, table }) => ({
        role,
        permission: {
          columns: table.columns.map(column => column.name),
          filter: {},
          allow_aggregations: table.allowsAggregations,
        },
      })),
    }),
  )
  const shown = new Map(seen.map(({ role, schema }) => [role, schema]))
  return {
    sql: renderTables(tables, rows),
    metadata: { tables: tracked, functions: [], introspectionDisabledFor: [], shown },
  }
}
