import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type DocumentNode, Kind, parse } from 'graphql'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConflictError, UsageError } from '../errors.ts'
import { findPath } from '../hasura/find-list.ts'
import { findFreeName, findTableNameProblem } from '../mirror/column-name.ts'
import { findJobNames, type JobNames, nameJob } from './job-names.ts'
import { findContent } from './write-files.ts'

/** The names that are taken in a project. */
interface Taken {
  /** Its operations' files by their paths, with what they hold; undefined where that can't be read. */
  readonly operations: ReadonlyMap<string, DocumentNode | undefined>
  readonly jobFiles: ReadonlySet<string>
  readonly list: string
  readonly jobs: readonly JobDefinition[]
  /** Of jobs that are being added with this one. */
  readonly added: readonly ChosenNames[]
}

/** What a new job and its table are called. */
export interface ChosenNames {
  readonly names: JobNames
  readonly into: string
}

/** @param listFile the project's list of jobs, as the others below its folder */
export async function findTaken(folder: string, listFile: string, jobs: readonly JobDefinition[]): Promise<Taken> {
  const files = (await readdir(join(folder, 'graphql')).catch(() => [])).filter(name => name.endsWith('.graphql'))
  const operations = files.map(async name => {
    const path = `graphql/${name}`
    return [path.toLowerCase(), parseDocument((await findContent(join(folder, path))) ?? '')] as const
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
 * What the parts of the new job are called: as asked for, or the first names that nothing else has.
 *
 * @throws UsageError when a job can't have the name that was asked for
 * @throws ConflictError when that is taken; without one, when the root field is pulled already
 */
export function chooseNames(taken: Taken, rootField: string, asked: string | undefined): JobNames {
  if (asked !== undefined) return requireFree(taken, asked)
  const puller = findPuller(taken, rootField)
  if (puller !== undefined) {
    throw new ConflictError({
      found: `${puller} already`,
      remedy: 'change that one, or take it out and add it again; a second job of the same rows needs --name and --into',
    })
  }
  for (const names of findJobNames(rootField)) if (findOccupied(taken, names) === undefined) return names
  throw new TypeError('there are always more names')
}

/** @returns who pulls it, as the beginning of a sentence */
export function findPuller({ jobs, operations }: Taken, rootField: string): string | undefined {
  const job = jobs.find(({ operations = [] }) => operations.some(operation => placeOf(operation) === rootField))
  if (job) return `${job.name} pulls ${rootField}`
  const [file] = [...operations].find(([, document]) => document && placeOf(document) === rootField) ?? []
  return file === undefined ? undefined : `${file} asks for ${rootField}`
}

function requireFree(taken: Taken, asked: string): JobNames {
  const names = nameJob(asked)
  if (!names) {
    throw new UsageError({
      found: `"${asked}" can't be the name of a job`,
      remedy:
        'give up to 100 lower case letters and digits with --name, with dashes between words, such as sync-orders',
    })
  }
  const occupied = findOccupied(taken, names)
  if (occupied === undefined) return names
  throw new ConflictError({ found: `${occupied} is there already`, remedy: 'give another name with --name' })
}

/** The first part of these names that something else has. */
function findOccupied({ operations, jobFiles, list, jobs, added }: Taken, names: JobNames): string | undefined {
  // All of a job's names are made of its own.
  if (added.some(other => other.names.constant === names.constant)) return `a job called ${names.job}`
  if (operations.has(names.operationFile)) return names.operationFile
  if (jobFiles.has(names.jobFile)) return names.jobFile
  if (jobs.some(({ name }) => name === names.job)) return `a job called ${names.job}`
  if (new RegExp(`\\b${names.constant}\\b`).test(list)) return `${names.constant} in the list of jobs`
  const called = [...operations.values()].some(document => document && operationsOf(document).includes(names.operation))
  return called ? `an operation called ${names.operation}` : undefined
}

/**
 * The mirror table: as asked for, or the first name like the root field's that no other job writes.
 *
 * @throws UsageError, ConflictError naming --into
 */
export function chooseTable(
  { jobs, added }: Pick<Taken, 'jobs' | 'added'>,
  rootField: string,
  asked: string | undefined,
): string {
  const writers = new Map([
    ...jobs.flatMap(job => [job.into ?? []].flat().map(table => [table, job.name] as const)),
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
    found: `${writer} mirrors into mirror.${asked} already`,
    remedy: 'give another table with --into',
  })
}

function parseDocument(content: string): DocumentNode | undefined {
  try {
    return parse(content)
  } catch {
    return undefined
  }
}

/** Of the list that a document selects, by the API's names. */
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
