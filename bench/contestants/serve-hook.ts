// node bench/contestants/serve-hook.ts '{"issuer": …, "url": …, "databaseUrl": …, "redisUrl": …, "hookSecret": …}'
// A worker with one pull that Hasura's events ask for, and no schedule. It reports when it serves, and where. Exits with the process
// that has started it.
import { z } from 'zod'
import { openApp } from '../../src/app/app.ts'
import { serveLines } from '../../src/app/serve-lines.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { createLog } from '../../src/log.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { pullArticlesDocument } from '../../test/fixtures/wiki-documents.ts'
import { createHost } from './create-host.ts'
import { configOf, workerOptions } from './worker-options.ts'

const { hookSecret, ...options } = workerOptions
  .extend({ redisUrl: z.string(), hookSecret: z.string() })
  .parse(JSON.parse(process.argv[2] ?? ''))

const job = pullSync({
  name: 'sync-articles',
  document: pullArticlesDocument,
  role: 'viewer',
  key: 'id',
  cursor: 'updated_at',
  into: 'articles',
  on: { table: 'articles' },
})
const host = createHost(createLog('error'))
await using app = await openApp(configOf(options), { jobs: [job], firstLogin: undefined }, host)
await using _serving = await serveLines(app, { slots: 8, graceMs: 0 })
const operations = createLocalOperations(app)
const knowsHookSecret = async (shown: string | undefined): Promise<boolean> => shown === hookSecret
await using http = createHttp({ operations, authorize: off, knowsHookSecret, log: host.log })
const parentGone = new Promise(resolve => process.once('disconnect', resolve))
await operations.makeRequest({ job: job.name })
process.send?.({ serving: true, url: await http.listen({ host: '127.0.0.1', port: 0 }) })
await parentGone
