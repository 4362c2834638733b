import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, ConflictError, type Explanation, PermanentError, UsageError } from '../errors.ts'
import { schemaFileName } from '../hasura/role-name.ts'
import { readSchema } from '../hasura/role-schema.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { findOperationProblems } from '../runs/contract.ts'
import { chooseCursor } from './choose-cursor.ts'
import { chooseKey } from './choose-key.ts'
import { findCodegen, generateTypes } from './generate-types.ts'
import { findJobNames, type JobNames } from './job-names.ts'
import { listFile, registerJob } from './register-job.ts'
import { renderJob } from './render-job.ts'
import { renderOperation } from './render-operation.ts'
import { readRootField } from './root-field.ts'
import { findContent, type WrittenFile, writeFiles } from './write-files.ts'

/** What was asked for on the command line. */
export interface PullWish {
  readonly rootField: string
  readonly key: readonly string[] | undefined
  readonly cursor: string | undefined
  readonly into: string
}

export interface AddedPull {
  readonly job: string
  readonly into: string
  readonly key: readonly string[]
  readonly cursor: string | undefined
  readonly asserted: readonly string[]
  readonly leftOut: readonly string[]
  /** Below the project's folder. */
  readonly files: readonly string[]
}

/** The project and the jobs that it has. */
export interface Project {
  readonly folder: string
  readonly jobs: readonly JobDefinition[]
}

/**
 * What can be seen to be wrong before the API is asked.
 *
 * @returns what the parts of the new job are called
 * @throws UsageError, ConfigError, ConflictError
 */
export async function checkWish({ folder, jobs }: Project, wish: PullWish): Promise<JobNames> {
  if (!(await exists(join(folder, listFile))) || findCodegen(folder) === undefined) {
    throw new ConfigError([
      {
        found: `"add" writes TypeScript beside the sources, of which there are none in ${folder}, or no codegen`,
        remedy: 'use it in a checkout, after "npm ci"',
      },
    ])
  }
  const names = findJobNames(wish.rootField)
  if (!names) throw new UsageError(`"${wish.rootField}" is no name of a root field`)
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(wish.into)) {
    throw new UsageError({
      found: `"${wish.into}" can't be the name of a mirror table`,
      remedy: 'give one of up to 63 letters, digits and underscores with --into',
    })
  }
  for (const file of [names.operationFile, names.jobFile]) {
    if (await exists(join(folder, file))) {
      throw new ConflictError({
        found: `${file} is there already`,
        remedy: 'change that one, or take it out and add it again',
      })
    }
  }
  const writer = jobs.find(job => [job.into ?? []].flat().includes(wish.into))
  if (writer) {
    throw new ConflictError({
      found: `${writer.name} mirrors into mirror.${wish.into} already`,
      remedy: 'give another table with --into',
    })
  }
  return names
}

/**
 * Writes the operation, the job and the SDL of its role, registers the job and generates the types: all of it or nothing.
 *
 * @param sdl what the role sees of the API
 */
export async function addPull(
  project: Project,
  wish: PullWish,
  names: JobNames,
  { role, sdl }: { readonly role: string; readonly sdl: string },
  signal: AbortSignal,
): Promise<AddedPull> {
  const { folder, jobs } = project
  const schema = readSchema(role, sdl)
  const root = readRootField(wish.rootField, schema)
  const key = chooseKey(root, wish.key)
  const cursor = chooseCursor(root, wish.cursor)
  const problems = findOperationProblems(jobs, schema)
  if (problems.length > 0) {
    throw new ConfigError([
      ...problems,
      {
        found: 'The API is not the one of these jobs (any more)',
        remedy: `mend them or take them out of ${listFile}, then add`,
      },
    ])
  }
  const list = registerJob((await findContent(join(folder, listFile))) ?? '', names.constant, moduleOf(names))
  const graphql: WrittenFile[] = [
    { path: `graphql/schema/${schemaFileName(role)}`, content: sdl },
    { path: names.operationFile, content: renderOperation(root, names, key.columns) },
  ]
  const generated = await generateTypes(folder, graphql, signal)
  requireDocuments(generated, names, jobs)
  const files = [
    ...graphql,
    ...generated,
    { path: names.jobFile, content: renderJob(names, { role, key, cursor, into: wish.into }) },
    // The last, because whoever reads it needs all the others.
    { path: listFile, content: list },
  ]
  await writeFiles(folder, files)
  return {
    job: names.job,
    into: wish.into,
    key: key.columns,
    cursor,
    asserted: key.asserted,
    leftOut: root.leftOut,
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
    operationsOf(job)
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

function operationsOf({ operations = [] }: JobDefinition): string[] {
  return operations.flatMap(({ definitions }) =>
    definitions.flatMap(definition => ('name' in definition ? (definition.name?.value ?? []) : [])),
  )
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
