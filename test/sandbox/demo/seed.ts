// Fills an embedded store with example data: npm run seed. It is created again every time, in the folder .seed
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { openApp } from '../../../src/app/app.ts'
import { loadDefinitions } from '../../../src/app/load-definitions.ts'
import { parseConfig } from '../../../src/config/config.ts'
import { createLog } from '../../../src/log.ts'
import { createLocalOperations } from '../../../src/operations/local-operations.ts'
import { systemClock } from '../../../src/time/clock.ts'
import { wikiProject } from '../../fixtures/wiki-project.ts'
import { openSandbox } from './open-sandbox.ts'

const folder = resolve('.seed')
await rm(folder, { recursive: true, force: true })
await mkdir(folder, { mode: 0o700 })

await using sandbox = await openSandbox({ workerPort: 8088, wrongSecret: false })
sandbox.identity.setTokenLifetime(300)
const environment = { ...sandbox.environment, DATA_DIR: join(folder, 'data') }
const definitions = await loadDefinitions(wikiProject)
await using app = await openApp(parseConfig(environment), definitions, {
  clock: systemClock,
  log: createLog('warn'),
  hostname: 'seed',
  pid: process.pid,
  uid: process.getuid?.(),
  readSecretFile: path => readFile(path, 'utf8'),
  project: wikiProject,
  env: environment,
})
const operations = createLocalOperations(app)
const run = (job: string, payload = {}) => operations.run({ job, payload })

for (const job of ['sync-users', 'sync-topics', 'sync-articles']) {
  await run(job)
  process.stdout.write(`${job}: filled\n`)
}
await sandbox.hasura.sql("delete from public.articles where title like 'Archive 1_'")
await sandbox.hasura.sql(
  "update public.articles set revision = revision + 1, updated_at = now() where title like 'Archive 2_'",
)
await run('sync-articles', { full: true })
process.stdout.write('sync-articles: rows changed and deleted\n')
const request = (job: string, priority: 'high' | 'low') =>
  operations.makeRequest({ job, account: undefined, payload: {}, trigger: 'cli', caller: 'seed', priority })
const { id } = await request('sync-topics', 'low')
await operations.cancelRequest({ id })
await request('sync-users', 'high')
process.stdout.write('requests: one cancelled, one waiting\n')

await writeFile(
  join(folder, 'env'),
  Object.entries({ ...environment, CLIENT_SECRET_FILE: '', CLIENT_SECRET: 'seed' })
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join(''),
  { mode: 0o600 },
)
process.stdout.write(`
The sandbox that filled the store has ended, so look around, but start no worker on it:
    . .seed/env
    npm run -s cli -- runs
    npm run -s cli -- requests
    npm run -s cli -- rows articles --limit 5
    npm run console
`)
