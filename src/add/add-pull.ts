import { access } from 'node:fs/promises'
import { join } from 'node:path'
import type { Project } from '../config/project.ts'
import { findDocumentProblems } from '../definitions/contract.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError, type Explanation, PermanentError, UsageError } from '../errors.ts'
import { schemaFileName } from '../hasura/role-name.ts'
import { readSchema } from '../hasura/role-schema.ts'
import { chooseCursor } from './choose-cursor.ts'
import { chooseKey, type Key } from './choose-key.ts'
import { chooseNames, chooseTable, findTaken, operationsOf } from './choose-names.ts'
import { findCodegen, generateTypes } from './generate-types.ts'
import type { JobNames } from './job-names.ts'
import { listFile, registerJob } from './register-job.ts'
import { renderJob } from './render-job.ts'
import { renderOperation } from './render-operation.ts'
import { requireRoom } from './require-room.ts'
import { readRootField } from './root-field.ts'
import type { RowColumn } from './row-columns.ts'
import { findContent, type WrittenFile, writeFiles } from './write-files.ts'

/** What was asked for on the command line. */
export interface PullWish {
  readonly rootField: string
  readonly key: readonly string[] | undefined
  readonly cursor: string | undefined
  readonly into: string | undefined
  readonly name: string | undefined
}

/** What the new job and its table are called. */
export interface ChosenNames {
  readonly names: JobNames
  readonly into: string
}

export interface AddedPull {
  readonly names: JobNames
  readonly into: string
  readonly key: Key
  readonly cursor: RowColumn | undefined
  /** Mirrored under another name. */
  readonly renamed: readonly RowColumn[]
  /** What may end a run, depending on the rows it meets. */
  readonly risk: Explanation | undefined
  /** Below the project's folder. */
  readonly files: readonly string[]
}

export interface ProjectWithJobs extends Project {
  readonly jobs: readonly JobDefinition[]
}

/**
 * What can be seen to be wrong before the API is asked.
 *
 * @throws UsageError, ConfigError, ConflictError
 */
export async function checkWish({ folder, jobs }: ProjectWithJobs, wish: PullWish): Promise<ChosenNames> {
  if (!(await exists(join(folder, listFile))) || findCodegen(folder) === undefined) {
    throw new ConfigError([
      {
        found: `"add" writes TypeScript beside the sources, of which there are none in ${folder}, or no codegen`,
        remedy: 'use it in a checkout, after "npm ci"',
      },
    ])
  }
  if (!/^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$/.test(wish.rootField)) {
    throw new UsageError({
      found: `"${wish.rootField}" can't be a root field: GraphQL's names are made of the letters A to Z, digits and underscores`,
      remedy: 'give the name that the API shows, which in Hasura may be a custom name of the table',
    })
  }
  const names = chooseNames(await findTaken(folder, listFile, jobs), wish.rootField, wish.name)
  return { names, into: chooseTable(jobs, wish.rootField, wish.into) }
}

/**
 * Writes the operation, the job and the SDL of its role, registers the job and generates the types: all of it or nothing.
 *
 * @param sdl what the role sees of the API
 */
export async function addPull(
  project: ProjectWithJobs,
  wish: PullWish,
  { names, into }: ChosenNames,
  { role, sdl }: { readonly role: string; readonly sdl: string },
  signal: AbortSignal,
): Promise<AddedPull> {
  const { folder, jobs } = project
  const schema = readSchema(role, sdl)
  const root = readRootField(wish.rootField, schema)
  const key = chooseKey(root, wish.key)
  const cursor = chooseCursor(root, wish.cursor)
  const problems = findDocumentProblems(jobs, schema)
  if (problems.length > 0) {
    throw new ConfigError([
      ...problems,
      {
        found: "These jobs don't fit what the API shows now",
        remedy: `change them or take them out of ${listFile}, then add`,
      },
    ])
  }
  const operation = renderOperation(root, names, key.columns)
  const risk = requireRoom(operation, schema, key)
  const list = registerJob((await findContent(join(folder, listFile))) ?? '', names.constant, moduleOf(names))
  const graphql: WrittenFile[] = [
    { path: `graphql/schema/${schemaFileName(role)}`, content: sdl },
    { path: names.operationFile, content: operation },
  ]
  const generated = await generateTypes(project, graphql, signal)
  requireDocuments(generated, names, jobs)
  const files = [
    ...graphql,
    ...generated,
    { path: names.jobFile, content: renderJob(names, { role, key, cursor, into }) },
    // The last, because whoever reads it needs all the others.
    { path: listFile, content: list },
  ]
  await writeFiles(folder, files)
  return {
    names,
    into,
    key,
    cursor,
    renamed: root.columns.filter(({ name, mirrorName }) => name !== mirrorName),
    risk,
    files: files.map(({ path }) => path),
  }
}

/** Whatever was generated replaces what was there, so no job may lose its operation by it. */
function requireDocuments(generated: readonly WrittenFile[], names: JobNames, jobs: readonly JobDefinition[]): void {
  const has = (text: string): boolean => generated.some(({ content }) => content.includes(text))
  if (!has(`export const ${names.document} =`)) {
    throw new PermanentError('codegen', {
      found: `Codegen made no ${names.document}, so nothing was written`,
      remedy: 'codegen.ts names documents in another way than "add" expects',
    })
  }
  const lost = jobs.flatMap(job =>
    (job.operations ?? [])
      .flatMap(operationsOf)
      .filter(operation => !has(`"value":"${operation}"`))
      .map(
        (operation): Explanation => ({
          found: `${job.name} sends ${operation}, which no file in graphql/ has`,
          remedy: `take the job out of ${listFile}`,
        }),
      ),
  )
  if (lost.length > 0) throw new ConfigError(lost)
}

function moduleOf({ jobFile }: JobNames): string {
  return jobFile.replace('src/jobs/', './')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
