// A prompt on the configured store: npm run console, or npm run console -- --write
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { start } from 'node:repl'
import { parseArgs } from 'node:util'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { type Host, openApp } from '../src/app/app.ts'
import { loadDefinitions } from '../src/app/load-definitions.ts'
import { resolveToSources } from '../src/app/source-condition.ts'
import { type Config, parseConfig } from '../src/config/config.ts'
import { loadAccountsFile } from '../src/config/load-accounts-file.ts'
import { readEnvFile } from '../src/config/read-env-file.ts'
import { ConfigError } from '../src/errors.ts'
import { renderExplanation } from '../src/explanation.ts'
import { createLog } from '../src/log.ts'
import { createLocalOperations } from '../src/operations/local-operations.ts'
import { openDatabase } from '../src/store/open-database.ts'
import type { WorkerTables } from '../src/store/schema.ts'
import { setSession } from '../src/store/session-settings.ts'
import { systemClock } from '../src/time/clock.ts'

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } })
const readSecretFile = (path: string) => readFile(path, 'utf8')
const readOnly = 'set default_transaction_read_only = on'

try {
  const { env } = await readEnvFile(process.env, resolve('.env'), readSecretFile)
  const config = parseConfig(env, env.ACCOUNTS_FILE ? await loadAccountsFile(env.ACCOUNTS_FILE) : undefined)
  const host: Host = {
    clock: systemClock,
    log: createLog('warn'),
    hostname: hostname(),
    pid: process.pid,
    uid: process.getuid?.(),
    readSecretFile,
    project: { folder: resolve(), node: [process.execPath, ...resolveToSources()] },
    env,
  }
  await using opened = new AsyncDisposableStack()
  const store = values.write
    ? await openWritable(config, host, opened)
    : { store: await openReadOnly(config, host, opened) }
  process.stdout.write(
    values.write
      ? 'Writing is allowed. Available: store, app, operations and sql.\n'
      : 'Read-only. Available: store (Kysely) and sql; npm run console -- --write also opens the app.\n',
  )
  process.stdout.write("For example: await store.selectFrom('worker.runs').selectAll().limit(5).execute()\n")
  const repl = start({ prompt: '> ' })
  Object.assign(repl.context, { ...store, sql, config })
  await new Promise(resolve => repl.once('exit', resolve))
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  for (const problem of error.problems) console.error(renderExplanation(problem))
  process.exitCode = 2
}

/** On Postgres nothing is migrated. An embedded store can't have another owner meanwhile. */
async function openReadOnly(config: Config, { log, uid }: Host, opened: AsyncDisposableStack) {
  if (!config.databaseUrl) {
    const { store } = opened.use(await openDatabase({ dataDir: config.dataDir, uid }, log))
    await sql.raw(readOnly).execute(store)
    return store
  }
  const pool = new pg.Pool({
    connectionString: config.databaseUrl,
    max: 2,
    application_name: 'hasura-sync-worker console',
    async onConnect(client) {
      await setSession(client)
      await client.query(readOnly)
    },
  })
  pool.on('error', error => log.warn({ error }, 'a database connection was lost'))
  const store = new Kysely<WorkerTables>({ dialect: new PostgresDialect({ pool }) })
  opened.defer(() => store.destroy())
  return store
}

async function openWritable(config: Config, host: Host, opened: AsyncDisposableStack) {
  const app = opened.use(await openApp(config, await loadDefinitions(host.project), host))
  return { store: app.deps.store, app, operations: createLocalOperations(app) }
}
