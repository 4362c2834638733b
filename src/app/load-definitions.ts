import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Project } from '../config/project.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { findOtherCopy, thisCopy } from '../definitions/engine-copy.ts'
import { ConfigError, WorkerError } from '../errors.ts'
import type { Told } from '../explanation.ts'
import { explainThrown } from '../failures/explain-thrown.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import { kindOf } from '../words/as-text.ts'
import type { Definitions } from './app.ts'
import { explainImport, type LocateSyntaxError, relativeTo } from './explain-import.ts'
import { explainUnreadable, isThere } from './explain-unreadable.ts'
import { locateSyntaxError } from './locate-syntax-error.ts'

const modules = { list: 'src/jobs/list.ts', firstLogin: 'src/jobs/first-login.ts' } as const

/** Calls the listener when the process would end, because nothing that it waits for can happen, until the returned function is called. */
type OnIdle = (listener: () => void) => () => void

/**
 * Imports the project's jobs and its first login, and checks their shape.
 *
 * @param onIdle default: a module that never finishes loading isn't told
 * @throws ConfigError with file, place and cause
 */
export async function loadDefinitions(project: Project, onIdle: OnIdle = () => () => {}): Promise<Definitions> {
  if (!hasModule(project, modules.list)) {
    throw new ConfigError([
      {
        found: `${project.folder} is not a project: it has no ${modules.list}`,
        remedy: 'run the command in the folder of a project',
      },
    ])
  }
  const jobs = readJobs(await importModule(project, modules.list, onIdle))
  // The file is optional: an API without a first login doesn't need it.
  const firstLogin = hasModule(project, modules.firstLogin)
    ? readFirstLogin(await importModule(project, modules.firstLogin, onIdle))
    : undefined
  return { jobs, firstLogin }
}

function hasModule({ folder }: Project, path: string): boolean {
  try {
    return isThere(join(folder, path))
  } catch (error) {
    const said = explainUnreadable(error, text => relativeTo(folder, text))
    throw said === undefined ? error : new ConfigError([`The jobs can't be loaded: ${said}`])
  }
}

async function importModule(project: Project, path: string, onIdle: OnIdle): Promise<unknown> {
  const module = pathToFileURL(join(project.folder, path)).href
  const hanging = Promise.withResolvers<never>()
  const stopListening = onIdle(() => hanging.reject(neverLoads(path)))
  try {
    return await Promise.race([import(module), hanging.promise])
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const locate = () => locateSyntaxError(project.node, [module])
    // Messages are one line, but Node shows the code on several.
    throw new ConfigError(`The jobs can't be loaded: ${await explain(error, project, locate)}`.split('\n'))
  } finally {
    stopListening()
  }
}

function neverLoads(path: string): ConfigError {
  return new ConfigError([
    {
      found: `The jobs can't be loaded: an "await" at the top level of ${path}, or of a file that it imports, never ends`,
      remedy: 'remove it, or move it into the "run" of a job',
    },
  ])
}

async function explain(error: unknown, { folder }: Project, locate: LocateSyntaxError): Promise<string> {
  if (error instanceof WorkerError) return error.message
  return (await explainImport(error, folder, locate)) ?? `${explainThrown(error).message}.`
}

const listModule = z.object({ jobs: z.array(z.unknown()) })

/** Checks only what every job has; TypeScript has checked the rest. */
const definition = z.object({
  name: z.string(),
  payload: z.custom(value => hasFunction(value, 'safeParse')),
  run: z.custom(value => typeof value === 'function'),
})

function readJobs(module: unknown): readonly JobDefinition[] {
  const parsed = listModule.safeParse(module)
  if (!parsed.success) {
    throw new ConfigError([
      {
        found: 'src/jobs/list.ts exports no "jobs"',
        remedy: 'export a list, such as `export const jobs = [] as const`',
      },
    ])
  }
  const problems: Told[] = []
  const jobs = parsed.data.jobs.filter((element, index) => isJob(element, index, problems))
  if (problems.length > 0) throw new ConfigError(problems)
  refuseOtherCopy(jobs)
  return jobs
}

/** Errors of the other copy's jobs would be taken for unknown ones, and in their schema no table would be found. */
function refuseOtherCopy(jobs: readonly JobDefinition[]): void {
  for (const job of jobs) {
    const copy = findOtherCopy(job)
    if (copy === undefined) continue
    throw new ConfigError([
      {
        found: `Job "${job.name}" is defined by another copy of hasura-sync-worker (${copy}) than the one that runs (${thisCopy})`,
        remedy:
          'start the one that the project has installed, such as with "npm start", not one that is installed globally; packages with jobs must have it as a peer dependency, and bundles leave it out',
      },
    ])
  }
}

function isJob(element: unknown, index: number, problems: Told[]): element is JobDefinition {
  const parsed = definition.safeParse(element)
  if (parsed.success) return true
  const named = z.object({ name: z.string() }).safeParse(element)
  const what = named.success ? `"${named.data.name}"` : kindOf(element)
  const lacks = parsed.error.issues.map(issue => issue.path.join('.') || 'everything').join(', ')
  problems.push({
    found: `Element ${index} of "jobs" in src/jobs/list.ts (${what}) is not a job, because it lacks ${lacks}`,
    remedy:
      lacks === 'payload'
        ? 'give "defineJob" the schema of its payload, such as `payload: z.strictObject({})` for none'
        : 'list the results of "pullSync" or "defineJob"',
  })
  return false
}

function readFirstLogin(module: unknown): FirstLoginDefinition | undefined {
  const value: unknown = Object(module).firstLogin
  if (typeof module !== 'object' || module === null || !('firstLogin' in module)) {
    throw new ConfigError([
      {
        found: 'src/jobs/first-login.ts exports no "firstLogin"',
        remedy: 'export the operations of the first login, or `undefined` if the API needs none',
      },
    ])
  }
  const flaws: string[] = []
  if (value === undefined || isFirstLogin(value, flaws)) return value
  throw new ConfigError([
    {
      found: `"firstLogin" in src/jobs/first-login.ts is not a first login, because ${flaws.join(', and ')}`,
      remedy: 'give it the generated document of a mutation as refreshUsers, and a function as isVisible or none',
    },
  ])
}

const loginDefinition = z.object({
  refreshUsers: z.custom(isMutation, 'refreshUsers is not a mutation'),
  isVisible: z.custom(value => typeof value === 'function', 'isVisible is not a function').optional(),
})

function isFirstLogin(value: unknown, flaws: string[]): value is FirstLoginDefinition {
  const parsed = loginDefinition.safeParse(Object(value))
  flaws.push(...(parsed.error?.issues ?? []).map(({ message }) => message))
  return parsed.success
}

const document = z.object({ definitions: z.array(z.object({ operation: z.string().optional() })) })

/** Called as a mutation, a query would fail in each login only after the call was recorded. */
function isMutation(value: unknown): boolean {
  const operations = document.safeParse(value).data?.definitions.flatMap(({ operation }) => operation ?? [])
  return operations?.join() === 'mutation'
}

function hasFunction(value: unknown, name: string): boolean {
  return typeof Object(value)[name] === 'function'
}
