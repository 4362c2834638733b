import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DocumentNode, Kind, parse } from 'graphql'
import { tablesOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConflictError, UsageError } from '../errors.ts'
import { readSafely } from '../failures/read-safely.ts'
import { findPath } from '../hasura/find-list.ts'
import { findFreeName, findTableNameProblem } from '../mirror/column-name.ts'
import { findJobNames, type JobNames, nameJob } from './job-names.ts'
import { findContent } from './write-files.ts'

/** The names that are taken in a project. */
interface Taken {
  /** Files of operations by path, with their content; undefined for one that can't be parsed. */
  readonly operations: ReadonlyMap<string, DocumentNode | undefined>
  readonly jobFiles: ReadonlySet<string>
  readonly list: string
  readonly jobs: readonly JobDefinition[]
  /** Names of jobs that are added together with this one. */
  readonly added: readonly ChosenNames[]
}

/** The names of a new job and its table. */
export interface ChosenNames {
  readonly names: JobNames
  readonly into: string
}

/** @param listFile path of the job list relative to the project's folder */
export async function findTaken(folder: string, listFile: string, jobs: readonly JobDefinition[]): Promise<Taken> {
  const files = (await readdir(join(folder, 'graphql')).catch(() => [])).filter(name => name.endsWith('.graphql'))
  const operations = files.map(async name => {
    const path = `graphql/${name}`
    const content = (await findContent(join(folder, path))) ?? ''
    return [path.toLowerCase(), readSafely(() => parse(content))] as const
  })
  const jobFiles = (await readdir(join(folder, 'src/jobs'))).map(name => `src/jobs/${name}`.toLowerCase())
  return {
    operations: new Map(await Promise.all(operations)),
    jobFiles: new Set(jobFiles),
    list: (await findContent(join(folder, listFile))) ?? '',
    jobs,
    added: [],
  }
}

/**
 * Chooses the names of a new job's parts: the requested ones, or the first free ones.
 *
 * @throws UsageError when the requested name is invalid
 * @throws ConflictError when the requested name is taken, or without one, when the root field is already pulled
 */
export function chooseNames(taken: Taken, rootField: string, asked: string | undefined): JobNames {
  if (asked !== undefined) return requireFree(taken, asked)
  const puller = findPuller(taken, rootField)
  if (puller !== undefined) {
    throw new ConflictError({
      found: `${puller} already`,
      remedy:
        'change that job, or remove it and add it again; give --name and --into for a second job of the same rows',
    })
  }
  for (const names of findJobNames(rootField)) if (findOccupied(taken, names) === undefined) return names
  throw new TypeError('the generator of names ended')
}

/** @returns the job or file that pulls it, as the beginning of a sentence */
export function findPuller({ jobs, operations }: Taken, rootField: string): string | undefined {
  const job = jobs.find(({ operations = [] }) => operations.some(operation => placeOf(operation) === rootField))
  if (job) return `${job.name} pulls ${rootField}`
  const [file] = [...operations].find(([, document]) => document && placeOf(document) === rootField) ?? []
  return file === undefined ? undefined : `${file} queries ${rootField}`
}

function requireFree(taken: Taken, asked: string): JobNames {
  const names = nameJob(asked)
  if (!names) {
    throw new UsageError({
      found: `"${asked}" can't be the name of a job`,
      remedy:
        'give up to 100 lower-case letters and digits with --name, with dashes between words, such as sync-orders',
    })
  }
  const occupied = findOccupied(taken, names)
  if (occupied === undefined) return names
  throw new ConflictError({ found: `${occupied} already exists`, remedy: 'give another name with --name' })
}

/** Finds the first of these names that is taken. */
function findOccupied({ operations, jobFiles, list, jobs, added }: Taken, names: JobNames): string | undefined {
  // All other names derive from the job's.
  if (added.some(other => other.names.constant === names.constant)) return `a job called ${names.job}`
  if (operations.has(names.operationFile)) return names.operationFile
  if (jobFiles.has(names.jobFile)) return names.jobFile
  if (jobs.some(({ name }) => name === names.job)) return `a job called ${names.job}`
  if (new RegExp(`\\b${names.constant}\\b`).test(list)) return `${names.constant} in the list of jobs`
  const called = [...operations.values()].some(document => document && operationsOf(document).includes(names.operation))
  return called ? `an operation called ${names.operation}` : undefined
}

/**
 * Chooses the mirror table: the requested one, or the first like the root field that no other job writes.
 *
 * @throws UsageError, ConflictError naming --into
 */
export function chooseTable(
  { jobs, added }: Pick<Taken, 'jobs' | 'added'>,
  rootField: string,
  asked: string | undefined,
): string {
  const writers = new Map([
    ...jobs.flatMap(job => tablesOf(job).map(table => [table, job.name] as const)),
    ...added.map(({ names, into }) => [into, names.job] as const),
  ])
  if (asked === undefined) return findFreeName(rootField.replaceAll('.', '_'), new Set(writers.keys()))
  const problem = findTableNameProblem(asked)
  if (problem !== undefined) {
    throw new UsageError({
      found: `"${asked}" can't be the name of a mirror table: it ${problem}`,
      remedy: 'give another one with --into',
    })
  }
  const writer = writers.get(asked)
  if (writer === undefined) return asked
  throw new ConflictError({
    found: `${writer} already mirrors into mirror.${asked}`,
    remedy: 'give another table with --into',
  })
}

/** Place of the list that a document selects, by the API's names. */
function placeOf(document: DocumentNode): string | undefined {
  return findPath(document)
    ?.map(({ name }) => name.value)
    .join('.')
}

export function operationsOf({ definitions }: DocumentNode): string[] {
  return definitions.flatMap(definition =>
    definition.kind === Kind.OPERATION_DEFINITION ? (definition.name?.value ?? []) : [],
  )
}
