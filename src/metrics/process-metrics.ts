import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { ObservedLine, Observer, TokenFetch, UnusedGrants } from '../observer/observer.ts'
import { runStates } from '../states.ts'
import { boundLabel } from './label-values.ts'

/** In seconds: from a run without changes to a first load. */
const runBuckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600]

/** The names of a run's counts of written rows. */
const written = ['inserted', 'updated', 'deleted', 'revived'] as const

const runOutcomes = runStates.filter(state => state !== 'running')
const tokenOutcomes: readonly TokenFetch['outcome'][] = ['granted', 'refused', 'failed']

export interface ProcessMetrics {
  readonly observer: Pick<Observer, 'httpAnswered'> & Partial<Observer>
  /**
   * Counts runs and token requests of these lines from 0: to Prometheus, a time series that begins with 1 hasn't increased. The
   * gauges of other accounts end.
   */
  know(lines: readonly ObservedLine[]): void
}

/**
 * Metrics of this process's runs, requests and exchanges.
 *
 * @param hasAccounts whether each account has time series of its own
 */
export function createProcessMetrics(registry: Registry, hasAccounts: boolean): ProcessMetrics {
  const registers = [registry]
  // Prometheus uses the label `job` for the scrape.
  const own = hasAccounts ? (['job_name', 'account'] as const) : (['job_name'] as const)
  const jobLabel = boundLabel()
  const accountLabel = boundLabel()
  const codeLabel = boundLabel()
  const methodLabel = boundLabel(10)
  const operationLabel = boundLabel(20)
  const triggerLabel = boundLabel(20)
  const labelsOfAccount = (account: string) => (hasAccounts ? { account: accountLabel(account) } : {})
  const labelsOf = ({ job, account }: ObservedLine) => ({ job_name: jobLabel(job), ...labelsOfAccount(account) })

  const active = new Gauge({
    name: 'hasura_sync_runs_active',
    help: 'Active runs of this process.',
    labelNames: own,
    registers,
  })
  const runs = new Counter({
    name: 'hasura_sync_runs_total',
    help: 'Runs that ended, by outcome: succeeded, failed, refused, interrupted or cancelled.',
    labelNames: [...own, 'outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'hasura_sync_run_duration_seconds',
    help: 'Time from the claim of a run to its end.',
    labelNames: ['job_name', 'outcome'],
    buckets: runBuckets,
    registers,
  })
  const rows = new Counter({
    name: 'hasura_sync_rows_written_total',
    help: 'Mirror rows that successful runs inserted, updated, marked as deleted or revived.',
    labelNames: [...own, 'change'],
    registers,
  })
  const holds = new Counter({
    name: 'hasura_sync_holds_placed_total',
    help: 'Holds placed by runs, by code and scope: account or job.',
    labelNames: [...own, 'code', 'scope'],
    registers,
  })
  const pages = new Counter({
    name: 'hasura_sync_pages_written_total',
    help: 'Committed pages of rows.',
    labelNames: own,
    registers,
  })
  const messages = new Counter({
    name: 'hasura_sync_webhook_messages_total',
    help: 'Attempts of webhooks to send a message, by outcome: delivered, failed or gone (the receiver answered 410).',
    labelNames: [...own, 'outcome'],
    registers,
  })
  const accepted = new Counter({
    name: 'hasura_sync_requests_accepted_total',
    help: 'Accepted requests, by trigger and whether an equal request absorbed them.',
    labelNames: [...own, 'trigger', 'absorbed'],
    registers,
  })
  const ticketsAdded = new Counter({
    name: 'hasura_sync_tickets_added_total',
    help: 'Tickets added to Redis.',
    registers,
  })
  const ticketsTaken = new Counter({
    name: 'hasura_sync_tickets_taken_total',
    help: 'Tickets received by this process.',
    registers,
  })
  const emptyClaims = new Counter({
    name: 'hasura_sync_claims_without_run_total',
    help: 'Claims that returned no run, by verdict: empty, busy, held, full and others.',
    labelNames: ['verdict'],
    registers,
  })
  const tokens = new Counter({
    name: 'hasura_sync_token_fetches_total',
    help: 'Token requests to the identity provider, by outcome: granted, refused or failed.',
    labelNames: [...(hasAccounts ? ['account'] : []), 'outcome'],
    registers,
  })
  const unusedOf = new Map<string, UnusedGrants>()
  const unused = new Gauge({
    name: 'hasura_sync_unused_grants',
    help: 'Roles and scopes that a token grants and no job of its account requires, by kind: role or scope.',
    labelNames: [...(hasAccounts ? ['account'] : []), 'kind'],
    registers,
    collect() {
      unused.reset()
      for (const [account, grants] of unusedOf) {
        for (const kind of ['role', 'scope'] as const) unused.inc({ ...labelsOfAccount(account), kind }, grants[kind])
      }
    },
  })
  const tries = new Histogram({
    name: 'hasura_sync_api_request_duration_seconds',
    help: 'Duration of each attempt of an API request, excluding waits for a token, a slot or a rate limit.',
    labelNames: ['api', 'operation', 'outcome'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers,
  })
  const guards = new Counter({
    name: 'hasura_sync_guards_total',
    help: 'Runs and tickets stopped because they were too late or reached the wrong process.',
    labelNames: ['guard'],
    registers,
  })
  const answers = new Histogram({
    name: 'hasura_sync_http_request_duration_seconds',
    help: 'Duration of HTTP requests; with Prefer: wait=N it includes the wait.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60],
    registers,
  })

  const observer: ProcessMetrics['observer'] = {
    runClaimed(run) {
      active.inc(labelsOf(run))
    },
    runEnded(run, how) {
      const labels = labelsOf(run)
      active.dec(labels)
      runs.inc({ ...labels, outcome: how.state })
      durations.observe({ job_name: labels.job_name, outcome: how.state }, how.durationMs / 1_000)
      if (how.state !== 'succeeded') return
      for (const change of written) {
        const count: unknown = how.counts?.[change]
        // The project's own jobs may report anything.
        if (typeof count === 'number' && count > 0) rows.inc({ ...labels, change }, count)
      }
    },
    pageWritten(run) {
      pages.inc(labelsOf(run))
    },
    messageSent(run, { outcome }) {
      messages.inc({ ...labelsOf(run), outcome })
    },
    requestAccepted(line, { trigger, absorbed }) {
      accepted.inc({ ...labelsOf(line), trigger: triggerLabel(trigger), absorbed: String(absorbed) })
    },
    ticketsAdded(count) {
      ticketsAdded.inc(count)
    },
    ticketTaken() {
      ticketsTaken.inc()
    },
    nothingClaimed(_line, verdict) {
      emptyClaims.inc({ verdict })
    },
    tokenFetched(account, { outcome }) {
      tokens.inc({ ...labelsOfAccount(account), outcome })
    },
    grantsCompared(account, grants) {
      unusedOf.set(account, grants)
    },
    apiAsked(_account, { api, operation, outcome, durationMs }) {
      tries.observe({ api, operation: operationLabel(operation), outcome }, durationMs / 1_000)
    },
    holdPlaced(run, { code, scope }) {
      holds.inc({ ...labelsOf(run), code: codeLabel(code), scope })
    },
    httpAnswered({ method, route, status, durationMs }) {
      answers.observe({ method: methodLabel(method), route: route ?? 'none', status }, durationMs / 1_000)
    },
    guardFired(guard) {
      guards.inc({ guard })
    },
  }
  return {
    observer,
    know(lines) {
      const accounts = new Set(lines.map(({ account }) => account))
      // A worker may have thousands of lines, of which those of one job then share their time series.
      const distinct = hasAccounts ? lines : new Map(lines.map(line => [line.job, line])).values()
      for (const line of distinct) {
        for (const outcome of runOutcomes) runs.inc({ ...labelsOf(line), outcome }, 0)
      }
      for (const account of accounts) {
        for (const outcome of tokenOutcomes) tokens.inc({ ...labelsOfAccount(account), outcome }, 0)
      }
      for (const account of unusedOf.keys()) {
        if (!accounts.has(account)) unusedOf.delete(account)
      }
    },
  }
}
