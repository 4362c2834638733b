// node bench/contestants/serve-live.ts '{"issuer": …, "url": …, "databaseUrl": …, "redisUrl": …, "tables": …}'
// A worker with a number of live pulls, each into its own mirror: of equal shares of a table, or each of all its rows. It reports when it is ready, and how much CPU time it
// has used. Exits with its parent process.
import { z } from 'zod'
import { openApp } from '../../src/app/app.ts'
import { serveLines } from '../../src/app/serve-lines.ts'
import { createLog } from '../../src/log.ts'
import { pullSync } from '../../src/pull/pull-sync.ts'
import { pullArticlesDocument } from '../../test/fixtures/wiki-documents.ts'
import { createHost } from './create-host.ts'
import { configOf, workerOptions } from './worker-options.ts'

const { tables, areShares, ...options } = workerOptions
  .extend({ redisUrl: z.string(), tables: z.int(), areShares: z.boolean() })
  .parse(JSON.parse(process.argv[2] ?? ''))

/** Ids are random, so as many are in each of these ranges. */
function share(index: number) {
  const from = (part: number) => {
    const hex = Math.floor((part * 2 ** 32) / tables).toString(16)
    return `${hex.padStart(8, '0')}-0000-0000-0000-000000000000`
  }
  return { _gte: from(index), ...(index + 1 < tables && { _lt: from(index + 1) }) }
}

const jobs = Array.from({ length: tables }, (_, index) =>
  pullSync({
    name: `sync-live-${index}`,
    document: pullArticlesDocument,
    role: 'viewer',
    where: areShares ? { id: share(index) } : {},
    key: 'id',
    cursor: 'updated_at',
    into: `live_${index}`,
    live: true,
  }),
)
await using app = await openApp(configOf(options), { jobs, firstLogin: undefined }, createHost(createLog('error')))
await using _serving = await serveLines(app, { slots: 8, graceMs: 0 })
const parentGone = new Promise(resolve => process.once('disconnect', resolve))
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuSeconds: (user + system) / 1e6 })
})
process.send?.({ serving: true })
await parentGone
