import { join } from 'node:path'
import { findDocumentProblems } from '../definitions/contract.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError, PermanentError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { schemaFileName } from '../hasura/role-name.ts'
import { type RoleSchema, readSchema } from '../hasura/role-schema.ts'
import type { ProjectWithJobs, PullWish } from './check-wishes.ts'
import { chooseCursor } from './choose-cursor.ts'
import { chooseKey, type Key } from './choose-key.ts'
import { type ChosenNames, operationsOf } from './choose-names.ts'
import { type GenerateDeps, generateTypes } from './generate-types.ts'
import type { JobNames } from './job-names.ts'
import { listFile, registerJob } from './register-job.ts'
import { renderJob } from './render-job.ts'
import { renderOperation } from './render-operation.ts'
import { requireRoom } from './require-room.ts'
import { readRootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'
import { findContent, type WrittenFile, writeFiles } from './write-files.ts'

export interface AddedPull {
  readonly rootField: string
  readonly names: JobNames
  readonly into: string
  readonly key: Key
  readonly cursor: RowColumn | undefined
  /** Mirrored under another name. */
  readonly renamed: readonly RowColumn[]
  /** A limit that some rows may exceed, which would end a run. */
  readonly risk: Explanation | undefined
}

export interface AddedPulls {
  readonly pulls: readonly AddedPull[]
  /** Paths relative to the project's folder. */
  readonly files: readonly string[]
}

/** A job to write. */
interface Plan {
  readonly added: AddedPull
  readonly operation: WrittenFile
  readonly job: WrittenFile
}

/**
 * Writes the operations, the jobs and the SDL of their role, registers the jobs and generates the types: all or nothing.
 *
 * @param chosen the names for each wish
 * @param sdl the schema that the role sees
 */
export async function addPulls(
  project: ProjectWithJobs,
  wishes: readonly PullWish[],
  chosen: readonly ChosenNames[],
  { role, sdl }: { readonly role: string; readonly sdl: string },
  deps: GenerateDeps,
): Promise<AddedPulls> {
  const { folder, jobs } = project
  const schema = readSchema(role, sdl)
  const plans = chosen.flatMap((names, index) => {
    const wish = wishes[index]
    return wish ? [planPull(wish, names, schema)] : []
  })
  const problems = findDocumentProblems(jobs, schema)
  if (problems.length > 0) {
    throw new ConfigError([
      ...problems,
      {
        found: "These jobs don't match the API's current schema",
        remedy: `change them or remove them from ${listFile}, then run "add" again`,
      },
    ])
  }
  const list = plans.reduce(
    (text, { added: { names } }) => registerJob(text, names.constant, moduleOf(names)),
    (await findContent(join(folder, listFile))) ?? '',
  )
  const schemaFile: WrittenFile = { path: `graphql/schema/${schemaFileName(role)}`, content: sdl }
  const operations = plans.map(({ operation }) => operation)
  const generated = await generateTypes(project, [schemaFile, ...operations], deps)
  for (const { added } of plans) requireDocument(generated, added.names)
  requireKept(generated, jobs)
  const files = [
    schemaFile,
    ...operations,
    ...generated,
    ...plans.map(({ job }) => job),
    // Written last: it imports the other files.
    { path: listFile, content: list },
  ]
  await writeFiles(folder, files)
  return { pulls: plans.map(({ added }) => added), files: files.map(({ path }) => path) }
}

/** @throws UsageError, NotFoundError when the role sees no such table, or a pull can't read it */
function planPull({ rootField, ...wish }: PullWish, { names, into }: ChosenNames, schema: RoleSchema): Plan {
  const root = readRootField(rootField, schema)
  const key = chooseKey(root, wish.key)
  const cursor = chooseCursor(root, wish.cursor)
  const operation = renderOperation(root, names, key.columns)
  const risk = requireRoom(operation, schema, key)
  return {
    added: {
      rootField,
      names,
      into,
      key,
      cursor,
      renamed: root.columns.filter(({ name, mirrorName }) => name !== mirrorName),
      risk,
    },
    operation: { path: names.operationFile, content: operation },
    job: { path: names.jobFile, content: renderJob(names, { role: schema.role, key, cursor, into }) },
  }
}

function requireDocument(generated: readonly WrittenFile[], { document }: JobNames): void {
  if (has(generated, `export const ${document} =`)) return
  throw new PermanentError('codegen', {
    found: `Codegen generated no ${document}, so nothing was written`,
    remedy: 'use the settings of hasura-sync-worker/codegen in codegen.ts, whose document names "add" expects',
  })
}

/** The generated files replace the old ones, so no job may lose its operation. */
function requireKept(generated: readonly WrittenFile[], jobs: readonly JobDefinition[]): void {
  const lost = jobs.flatMap(job =>
    (job.operations ?? [])
      .flatMap(operationsOf)
      .filter(operation => !has(generated, `"value":"${operation}"`))
      .map(
        (operation): Explanation => ({
          found: `${job.name} sends ${operation}, which no file in graphql/ defines`,
          remedy: `define the operation there, or remove the job from ${listFile}`,
        }),
      ),
  )
  if (lost.length > 0) throw new ConfigError(lost)
}

function has(generated: readonly WrittenFile[], text: string): boolean {
  return generated.some(({ content }) => content.includes(text))
}

function moduleOf({ jobFile }: JobNames): string {
  return jobFile.replace('src/jobs/', './')
}
