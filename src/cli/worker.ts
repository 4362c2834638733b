import type { Account } from '../account.ts'
import { type App, openApp } from '../app/app.ts'
import { openWhenThere } from '../app/open-when-there.ts'
import { logDeprecations, reloadAccounts } from '../app/reload-accounts.ts'
import { type Serving, serveLines } from '../app/serve-lines.ts'
import { watchFile } from '../app/watch-file.ts'
import { parseConfig } from '../config/config.ts'
import { findMisspelled } from '../config/find-misspelled.ts'
import { findTlsProblems } from '../config/find-tls-problems.ts'
import { loadAccountsFile } from '../config/load-accounts-file.ts'
import { findJobProblems } from '../definitions/find-job-problems.ts'
import { settingNamesOf } from '../definitions/job-settings.ts'
import { renderExplanation } from '../explanation.ts'
import { createAuthorize, off } from '../http/authorize.ts'
import { createControl } from '../http/create-control.ts'
import { httpLimits } from '../http/create-fastify.ts'
import { createHttp } from '../http/create-http.ts'
import { createHookSecret } from '../http/hook-secret.ts'
import { createMetricsHttp } from '../http/metrics-route.ts'
import { describeError } from '../log.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { createLocalOperations } from '../operations/local-operations.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { listLines } from '../serving/served-lines.ts'
import { settlesWithin } from '../time/clock.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { listen } from './listen.ts'
import { openDashboard } from './open-dashboard.ts'

/** Concurrency slots: runs at a time in one process. */
const slots = 8
/** How long runs may take to commit their page during shutdown, in milliseconds. */
const graceMs = 5_000
/** Shutdown is forced after this many milliseconds: Docker, for one, kills a process 10 s after SIGTERM. */
const stopWithinMs = 9_000

export const worker = defineCommand({
  name: 'worker',
  summary: 'run requests, keep schedules and serve HTTP until SIGTERM (also: npm start)',
  arguments: {},
  options: {},
  async run(_values, context) {
    const { config, loadDefinitions, host, log, signal } = context
    const definitions = await loadDefinitions()
    const metrics = createMetrics({ version: context.version, hasAccounts: config.metrics.hasAccounts })
    const observers = [...(host.observers ?? []), metrics.observer]
    const open = () => openApp(config, definitions, { ...host, observers })
    // No other process would start an embedded database later, so waiting for it makes no sense.
    const app = config.databaseUrl ? await openWhenThere(host, open, signal) : await open()
    if (!app) {
      log.info(`${stopping(signal)}: the store has not become available`)
      return 0
    }
    const opened = new AsyncDisposableStack()
    opened.use(app)
    try {
      const starting = start(context, app, metrics, opened)
      const over = Promise.race([aborted(signal), app.database.ended])
      await Promise.race([starting, over])
      const error = await over
      starting.catch(() => {})
      if (error) {
        log.fatal({ error }, 'the process ends, so that its supervisor can restart it')
        return 1
      }
      log.info(`${stopping(signal)}: no new requests are claimed, runs may commit their page`)
      return 0
    } finally {
      if (!(await settlesWithin(host.clock, stopWithinMs, opened.disposeAsync()))) {
        log.warn('stopping took too long: the remaining runs are aborted and end as interrupted')
      }
    }
  },
})

function stopping({ reason }: AbortSignal): string {
  return `stopping (${describeError(reason).message})`
}

/** Starts everything that a worker does; it stops when `opened` is disposed. */
async function start(context: CommandContext, app: App, metrics: Metrics, opened: AsyncDisposableStack): Promise<void> {
  const { config, env, envFile, log } = context
  const { deps, database } = app
  const { callers, hookSecrets } = config.http
  const knowsHookSecret = hookSecrets && createHookSecret(hookSecrets, { ...context.host, log })
  const operations = createLocalOperations(app)

  const control = createControl({ operations, log })
  opened.defer(() => control.close())
  await control.ready()
  database.claim?.serve(socket => void control.server.emit('connection', socket))
  metrics.share({ ...deps, tickets: app.tickets }, () => listLines(deps))
  const { scrape, observer } = metrics
  const { listen: scraped } = config.metrics
  const { requestsPerMinute = httpLimits.requestsPerMinute } = callers ?? {}
  const http = createHttp({
    operations,
    authorize: callers ? createAuthorize(callers) : off,
    knowsHookSecret,
    log,
    limits: { ...httpLimits, requestsPerMinute },
    observer,
    scrape: scraped === 'http' ? scrape : undefined,
  })
  const dashboard = openDashboard(context, app, operations, http)
  opened.defer(() => http.close())
  const address = await listen(http, config.http, { host: 'HOST', port: 'PORT' })
  opened.use(await dashboard.tell(address))
  if (scraped !== null && scraped !== 'http') {
    const metricsHttp = createMetricsHttp({ scrape, log })
    opened.defer(() => metricsHttp.close())
    const address = await listen(metricsHttp, scraped, { host: 'METRICS_HOST', port: 'METRICS_PORT' })
    log.info({ address }, 'metrics are served')
  }

  logDeprecations(log, accountsOf(deps))
  const misspelled = findMisspelled(env, settingNamesOf(deps.jobs.values()))
  for (const problem of [...misspelled, ...(await findTlsProblems(env, envFile, context.host.readSecretFile))]) {
    log.warn(renderExplanation(problem))
  }
  await logProblems(deps)
  const { host, signal } = context
  const serving = await openWhenThere(host, () => serveLines(app, { slots, graceMs, signal }), signal)
  if (!serving) return
  opened.use(serving)
  opened.use(watchAccounts(context, app, serving))
  log.info(
    {
      address,
      queue: config.redisUrl ? 'redis' : database.kind,
      store: database.kind,
      accounts: [...deps.accounts.keys()],
      jobs: [...deps.jobs.keys()],
    },
    database.kind === 'embedded'
      ? 'worker ready (embedded database: a single process; set DATABASE_URL to run several)'
      : 'worker ready',
  )
  // Reports problems of its file now, not at the first event.
  await knowsHookSecret?.(undefined).catch(() => {})
  if (!callers) log.info('requests over HTTP are off; set HTTP_ISSUER, HTTP_AUDIENCE and HTTP_ROLE to allow them')
}

/** Logs what stops a job from running at start; its requests are held later. */
async function logProblems(deps: RunDeps): Promise<void> {
  for (const job of deps.jobs.values()) {
    for (const error of await findJobProblems(deps, job)) {
      deps.log.error({ job: job.name, error }, 'the job cannot run until this is fixed')
    }
  }
}

/** Reloads accounts when their file changes; those of the environment stay the same. */
function watchAccounts(
  { config: { accountsFile }, env, host, onHangup }: CommandContext,
  { deps, replaceAccounts }: App,
  serving: Serving,
): AsyncDisposable {
  if (accountsFile === undefined) return { async [Symbol.asyncDispose]() {} }
  const reloading = {
    ...deps,
    load: async () => parseConfig(env, await loadAccountsFile(accountsFile)).accounts,
    renew: serving.renew,
    replace: replaceAccounts,
  }
  return watchFile(accountsFile, { clock: host.clock, onHangup }, asked => reloadAccounts(reloading, asked))
}

function accountsOf({ accounts }: RunDeps): readonly Account[] {
  return [...accounts.values()].map(access => access.account)
}

function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined)
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(undefined), { once: true }))
}
