import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type SandboxHasura, startHasura } from '#sandbox/hasura/start-hasura'
import { type IdentityProvider, startIdentityProvider } from '#sandbox/identity/start-identity-provider'
import { type App, openApp } from '../app/app.ts'
import { type Environment, parseConfig } from '../config/config.ts'
import { schemaFolderOf } from '../config/project.ts'
import { rolesOf } from '../definitions/contract.ts'
import type { JobDefinition, JobResult } from '../definitions/define-job.ts'
import type { JobSpec, PayloadArgument } from '../definitions/job-spec.ts'
import { ConfigError } from '../errors.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import { parseJson } from '../json/parse-json.ts'
import { createLog } from '../log.ts'
import { createLocalOperations } from '../operations/local-operations.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { explainUnserved } from './explain-unserved.ts'
import { makeSource, readSource } from './make-source.ts'

export interface TestProjectOptions {
  readonly jobs: readonly JobDefinition[]
  /** Default: none. */
  readonly firstLogin?: FirstLoginDefinition | undefined
  /** The project's folder, which contains the SDL of each role; default: the current working directory. */
  readonly folder?: string
  /**
   * What the API serves: SQL for an empty Postgres, and a metadata folder as Hasura's CLI writes it. Default: tables that match
   * the SDL of the jobs' roles and can only be read, without relationships; only those that the jobs' operations name, if all jobs list
   * theirs. Each is called as the type of its rows.
   */
  readonly api?: { readonly sql: string; readonly metadataFolder: string }
  /** How many rows each table made from the SDL gets; default 10. */
  readonly rows?: number
  /** The environment for settings of jobs; default: empty. */
  readonly env?: Environment
  /** Default: the system clock. */
  readonly clock?: Clock
}

/** The real engine on an embedded store, with a local identity provider and a Hasura-shaped API. */
export interface TestProject extends AsyncDisposable {
  readonly identity: IdentityProvider
  /** `api.sql` changes the API's rows; `api.fault` makes it answer with faults. */
  readonly api: SandboxHasura
  /** Runs a job in the foreground, through the gate. Rejects with the error that refused or ended the run. */
  run<J extends JobSpec>(job: J, ...payload: PayloadArgument<J>): Promise<JobResult>
  /** Rows of a mirror table in the order of its key, up to 1,000. */
  rows(table: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

/**
 * Opens everything that tests of a project's jobs need, in a few seconds. Close it with `await using`. It needs the package
 * `oidc-provider`.
 *
 * @throws ConfigError if the folder is no project's, the SDL of a job's role is missing, or the list of jobs is invalid
 * @example
 * import { openTestProject } from 'hasura-sync-worker/testing'
 * import { jobs } from '../src/jobs/list.ts'
 *
 * await using project = await openTestProject({ jobs })
 * for (const job of jobs) await project.run(job)
 */
export async function openTestProject(options: TestProjectOptions): Promise<TestProject> {
  const { jobs, firstLogin, folder = resolve(), clock = systemClock, env = {} } = options
  await using opened = new AsyncDisposableStack()
  const roles = rolesOf(jobs)
  requireProject(folder, roles)
  const identity = opened.use(
    await startIdentityProvider({ clients: [{ clientId, clientSecret, roles, email: 'test@project.example' }] }),
  )
  const schemaFolder = schemaFolderOf({ folder })
  const source = options.api
    ? await readSource(schemaFolder, jobs, options.api)
    : await makeSource(schemaFolder, jobs, options.rows ?? 10)
  const jwt = { jwkUrl: identity.jwksUrl, issuer: identity.issuer }
  const api = opened.use(await startHasura({ jwt, source }))
  const dataDir = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-test-'))
  opened.defer(() => rm(dataDir, { recursive: true, force: true }))
  const app = opened.use(
    await openApp(
      configOf(identity, api, dataDir),
      { jobs, firstLogin },
      {
        clock,
        log: createLog('silent'),
        hostname: 'test',
        pid: 0,
        uid: undefined,
        project: { folder, node: [process.execPath] },
        readSecretFile: () => Promise.reject(new Error('tests pass settings in `env`')),
        env,
      },
    ),
  )
  const explain = (name: string, error: unknown): ConfigError | undefined => {
    const job = options.api ? undefined : jobs.find(each => each.name === name)
    return job && explainUnserved(error, job, api)
  }
  return { ...createProject(app, explain), identity, api, ...closing(opened.move()) }
}

const clientId = 'test'
const clientSecret = 'secret'
const account = 'default'
const mostRows = 1_000

function configOf(identity: IdentityProvider, api: SandboxHasura, dataDir: string) {
  return parseConfig({
    OIDC_ISSUER: identity.issuer,
    CLIENT_ID: clientId,
    CLIENT_SECRET: clientSecret,
    HASURA_URL: api.url,
    DATA_DIR: dataDir,
  })
}

/** A test runner that a workspace shares may start in another folder. */
function requireProject(folder: string, roles: readonly string[]): void {
  if (roles.length === 0 || existsSync(join(folder, 'graphql'))) return
  throw new ConfigError([
    {
      found: `${folder} is not a project: it has no graphql/`,
      remedy: "give openTestProject the project's path as `folder`, such as resolve(import.meta.dirname, '..')",
    },
  ])
}

/** @param explain a failed run, if the API couldn't serve the job */
function createProject(
  app: App,
  explain: (job: string, error: unknown) => ConfigError | undefined,
): Pick<TestProject, 'run' | 'rows'> {
  const operations = createLocalOperations(app)
  return {
    async run({ name }, ...[payload]) {
      try {
        return await operations.run({ job: name, account, payload })
      } catch (error) {
        throw explain(name, error) ?? error
      }
    },
    async rows(table) {
      const { rows } = await operations.listMirrorRows({ table, account, limit: mostRows })
      return rows.map(row => Object(parseJson(row)))
    },
  }
}

function closing(stack: AsyncDisposableStack): AsyncDisposable {
  return { [Symbol.asyncDispose]: () => stack.disposeAsync() }
}
