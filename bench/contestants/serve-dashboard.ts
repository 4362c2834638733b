// node bench/contestants/serve-dashboard.ts '{"issuer": …, "databaseUrl": …, "accounts": …, …}'
// The dashboard of a worker that runs nothing, in a process of its own: it tells the link that lets in. Ends with the process that
// has started it.
import { z } from 'zod'
import { openApp } from '../../src/app/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { addDashboard } from '../../src/dashboard/create-dashboard.ts'
import { createLinkAccess } from '../../src/dashboard/link-access.ts'
import { createRunLog } from '../../src/dashboard/run-log.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { createLog } from '../../src/log.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import { createRequestEnds } from '../../src/runs/request-ends.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createHost } from './create-host.ts'

const {
  accounts: count,
  jobs: names,
  databaseUrl,
  ...login
} = z
  .strictObject({
    issuer: z.string(),
    clientId: z.string(),
    clientSecret: z.string(),
    databaseUrl: z.string(),
    accounts: z.int(),
    jobs: z.array(z.string()),
  })
  .parse(JSON.parse(process.argv[2] ?? ''))
const { issuer: oidcIssuer, ...client } = login
const accounts = Array.from({ length: count }, (_, index) => ({
  name: `account-${index}`,
  oidcIssuer,
  ...client,
}))
const payload = z.strictObject({
  keys: z.array(z.array(z.string())).optional(),
  full: z.boolean().optional(),
  allowDeletions: z.number().optional(),
})
const jobs = names.map(name =>
  defineJob({ name, payload, schedule: { everySeconds: 300 }, run: () => Promise.resolve({}) }),
)
const log = createLog('error')
const config = parseConfig({ DATABASE_URL: databaseUrl }, { accounts })
await using app = await openApp(config, { jobs, firstLogin: undefined }, createHost(log))
const { deps } = app
const operations = createLocalOperations(app)
const http = createHttp({ operations, authorize: off, log })
const access = createLinkAccess(1, systemClock)
const operationDeps = { deps, tickets: undefined, ends: createRequestEnds(deps) }
addDashboard(http, { app: operationDeps, operations, access, runLog: createRunLog(), log, clock: systemClock })
const url = await http.listen({ host: '127.0.0.1', port: 0 })
const parentGone = new Promise(resolve => process.once('disconnect', resolve))
process.send?.({ serving: true, url: `${url}${access.makeLink()}` })
await parentGone
await http.close()
