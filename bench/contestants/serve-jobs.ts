// node bench/contestants/serve-jobs.ts '{"issuer": …, "databaseUrl": …, "accounts": …, "slots": …, …}'
// A worker whose only job waits. It reports when it is ready, on request when each run starts, and how much CPU time it has used.
// Exits with its parent process.
import { openSync, writeSync } from 'node:fs'
import { devNull } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { openApp } from '../../src/app/app.ts'
import { serveLines } from '../../src/app/serve-lines.ts'
import { parseConfig } from '../../src/config/config.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { createLog } from '../../src/log.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import { createHost } from './create-host.ts'

const options = z
  .strictObject({
    issuer: z.string(),
    clientId: z.string(),
    clientSecret: z.string(),
    databaseUrl: z.string().optional(),
    redisUrl: z.string().optional(),
    dataDir: z.string().optional(),
    accounts: z.int(),
    slots: z.int(),
    /** How long a run waits. */
    waitMs: z.int(),
    /** The URL that each run requests. */
    apiUrl: z.string().optional(),
    everySeconds: z.int().optional(),
    tellsStarts: z.boolean(),
    http: z.boolean(),
  })
  .parse(JSON.parse(process.argv[2] ?? ''))
const { issuer, clientId, clientSecret, databaseUrl, redisUrl, dataDir, waitMs, apiUrl, everySeconds } = options

const job = defineJob({
  name: 'wait',
  payload: z.strictObject({ n: z.number().optional() }),
  ...(everySeconds && { schedule: { everySeconds } }),
  async run(_session, { payload, signal }) {
    if (options.tellsStarts) process.send?.({ started: payload.n ?? 0, at: performance.timeOrigin + performance.now() })
    if (waitMs > 0) await delay(waitMs, undefined, { signal })
    if (apiUrl) await (await fetch(apiUrl, { signal })).text()
    return {}
  },
})

// Logs like a worker, into nothing.
const nowhere = openSync(devNull, 'w')
const accounts = Array.from({ length: options.accounts }, (_, index) => ({
  name: `account-${index}`,
  oidcIssuer: issuer,
  clientId,
  clientSecret,
}))
const host = createHost(createLog('info', line => void writeSync(nowhere, line)))
const config = parseConfig({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, DATA_DIR: dataDir }, { accounts })
await using app = await openApp(config, { jobs: [job], firstLogin: undefined }, host)
await using _serving = await serveLines(app, { slots: options.slots, graceMs: 0 })
const callers = { issuer, audience: 'phonemos-hasura', role: 'viewer', insecureHosts: ['127.0.0.1', 'localhost'] }
const http = createHttp({
  operations: createLocalOperations(app),
  authorize: createAuthorize(callers),
  log: host.log,
  limits: { ...httpLimits, requestsPerMinute: Number.POSITIVE_INFINITY },
})
const url = options.http ? await http.listen({ host: '127.0.0.1', port: 0 }) : undefined
const parentGone = new Promise(resolve => process.once('disconnect', resolve))
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ cpuSeconds: (user + system) / 1e6 })
})
process.send?.({ serving: true, url })
await parentGone
await http.close()
