import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type RawBuilder, sql } from 'kysely'
import { parse } from 'yaml'
import { z } from 'zod'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import { jobs as shippedJobs } from '../../examples/wiki/src/jobs/list.ts'
import { type App, openApp } from '../../src/app/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import type { JobDefinition, JobResult } from '../../src/definitions/define-job.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import { systemClock } from '../../src/time/clock.ts'
import { type CapturedLog, captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

export const systems = ['phonemos', 'keycloak', 'phase-two', 'eunifyer', 'persium'] as const
export type System = (typeof systems)[number]

const folder = join(import.meta.dirname, '../../examples')

export interface Example extends AsyncDisposable {
  readonly deps: App['deps']
  readonly logged: CapturedLog
  /** One run of the job as `run` makes it: through the gate, and what refuses it is thrown. */
  run(job: string): Promise<JobResult>
  query<T>(statement: RawBuilder<T>): Promise<T[]>
  /** The next run logs in again, and sees what the realm grants by then. */
  dropToken(): Promise<void>
}

const accountsFile = z.object({ accounts: z.tuple([z.looseObject({ name: z.string() })]) })

/** What `examples/<system>/accounts.yaml` says of its one account. */
export async function readAccounts(system: System) {
  const text = await readFile(join(folder, system, 'accounts.yaml'), 'utf8')
  return accountsFile.parse(parse(text))
}

/**
 * The app with an example's own accounts file, in which nothing is changed but where the servers are, and its job beside those
 * that are shipped.
 *
 * @param options.secrets the files that the account reads, by their paths
 */
export async function openExample(
  system: System,
  options: {
    readonly jobs?: readonly JobDefinition[]
    readonly addresses: Readonly<Partial<Record<'oidcIssuer' | 'apiBaseUrl' | 'hasuraUrl', string>>>
    readonly secrets: Readonly<Record<string, string>>
  },
): Promise<Example> {
  await using opened = new AsyncDisposableStack()
  const store: Record<string, string> = hasPostgres
    ? { DATABASE_URL: opened.use(await createDatabase()).url }
    : { DATA_DIR: opened.use(await openDataDir()).path }
  const [account] = (await readAccounts(system)).accounts
  const config = parseConfig(store, { accounts: [{ ...account, ...options.addresses }] })
  const logged = captureLog()
  const definitions = { jobs: [...shippedJobs, ...(options.jobs ?? [])], firstLogin }
  const app = opened.use(
    await openApp(config, definitions, {
      clock: systemClock,
      log: logged.log,
      hostname: hostname(),
      pid: process.pid,
      uid: process.getuid?.(),
      project: wikiProject,
      env: store,
      async readSecretFile(path) {
        const secret = options.secrets[path]
        if (secret === undefined) throw new Error(`the test gave no secret for ${path}`)
        return secret
      },
    }),
  )
  const { deps } = app
  const operations = createLocalOperations(app)
  const closing = opened.move()
  return {
    deps,
    logged,
    run: job => operations.run({ job, account: account.name }),
    async query(statement) {
      return (await statement.execute(deps.store)).rows
    },
    async dropToken() {
      const access = deps.accounts.get(account.name)
      if (access) access.tokens.drop(await access.tokens.get())
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** How many rows a mirror table has that are there, and how many that are kept as deleted. */
export async function countRows(example: Example, table: string): Promise<{ present: number; deleted: number }> {
  const [counts] = await example.query(sql<{ present: number; deleted: number }>`
    select count(*) filter (where _deleted_at is null)::int as present, count(_deleted_at)::int as deleted
    from ${sql.table(`mirror.${table}`)}`)
  if (!counts) throw new Error('a count without a row')
  return counts
}
