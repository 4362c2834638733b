import { Gauge, type Registry } from 'prom-client'
import type { Store } from '../store/store.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { boundLabel, mostLabelValues } from './label-values.ts'
import { readStoreFacts, type StoreFact, type StoreFactName } from './read-store-facts.ts'

/** Where the numbers that all processes share come from. */
export interface SharedSources {
  readonly store: Store
  readonly clock: Clock
  readonly jobs: ReadonlyMap<string, unknown>
  readonly accounts: ReadonlyMap<string, unknown>
  /** Counts tickets; absent without Redis. */
  readonly tickets: { count(): Promise<Readonly<Record<string, number>>> } | undefined
}

/** Prometheus gives up after 10 seconds. A slow store or queue must not hide the metrics of this process. */
const readWithinMs = 2_000
/** Several scrapers cost the store no more than one. */
const freshForMs = 5_000

/**
 * Metrics that all processes share, read by one statement per scrape. While the store doesn't answer, they are absent and
 * `hasura_sync_store_up` is 0.
 *
 * @returns reads the current values; doesn't throw
 */
export function createSharedMetrics(
  registry: Registry,
  hasAccounts: boolean,
  { store, clock, jobs, accounts, tickets }: SharedSources,
): () => Promise<void> {
  const storeGauges = createStoreGauges(registry, hasAccounts)
  const storeUp = createGauge(registry, 'hasura_sync_store_up', 'Whether the store answered this scrape: 1 or 0.', [])
  const ticketGauges = tickets && {
    up: createGauge(registry, 'hasura_sync_queue_up', 'Whether Redis answered this scrape: 1 or 0.', []),
    count: createGauge(registry, 'hasura_sync_tickets', 'Tickets on Redis, by state.', ['state']),
  }

  const readStore = keepFresh(clock, () =>
    readStoreFacts(store, {
      jobs: [...jobs.keys()].slice(0, mostLabelValues),
      accounts: hasAccounts ? [...accounts.keys()].slice(0, mostLabelValues) : undefined,
    }),
  )
  const readTickets = tickets && keepFresh(clock, () => tickets.count())

  async function refreshStore(): Promise<void> {
    const facts = await orUndefined(readStore(), clock)
    storeUp.set(facts ? 1 : 0)
    storeGauges.show(facts ?? [])
  }

  async function refreshTickets(): Promise<void> {
    if (!readTickets || !ticketGauges) return
    const counts = await orUndefined(readTickets(), clock)
    ticketGauges.up.set(counts ? 1 : 0)
    ticketGauges.count.reset()
    for (const [state, count] of Object.entries(counts ?? {})) ticketGauges.count.set({ state }, count)
  }

  return async () => {
    await Promise.all([refreshStore(), refreshTickets()])
  }
}

/** A gauge, and the labels of a fact beside its job and account. */
interface FactGauge {
  readonly gauge: Gauge
  labelsOf(fact: StoreFact): Readonly<Record<string, string>>
}

function createStoreGauges(registry: Registry, hasAccounts: boolean): { show(facts: readonly StoreFact[]): void } {
  const lineLabels = hasAccounts ? ['job_name', 'account'] : ['job_name']
  const ofLine = (name: string, help: string, kind?: string): FactGauge => {
    const boundKind = boundLabel()
    return {
      gauge: createGauge(registry, name, help, kind === undefined ? lineLabels : [...lineLabels, kind]),
      labelsOf: fact => ({
        job_name: fact.job,
        ...(hasAccounts && { account: fact.account }),
        ...(kind !== undefined && { [kind]: boundKind(fact.kind) }),
      }),
    }
  }
  const gauges: Readonly<Record<StoreFactName, FactGauge>> = {
    requests: ofLine(
      'hasura_sync_requests',
      'Requests by state: ready, later (after a pause), held, unserved (no living worker knows the job) or running.',
      'state',
    ),
    'oldest-request': ofLine(
      'hasura_sync_oldest_request_age_seconds',
      "How long the oldest request has waited that could run now, without the time of its line's active run.",
    ),
    'oldest-run': ofLine(
      'hasura_sync_oldest_run_age_seconds',
      'How long ago the oldest run started that has not ended.',
    ),
    holds: ofLine(
      'hasura_sync_holds',
      'Holds of accounts and jobs that are served, by code; job_name is empty for a hold of the whole account.',
      'code',
    ),
    'oldest-hold': ofLine(
      'hasura_sync_oldest_hold_age_seconds',
      'How old the oldest hold is, by code; job_name is empty for a hold of the whole account.',
      'code',
    ),
    'last-success': ofLine(
      'hasura_sync_last_success_age_seconds',
      'Time since a run of the job last succeeded, for the account where that is longest ago.',
    ),
    'schedule-interval': ofLine(
      'hasura_sync_schedule_interval_seconds',
      "Time between the last and the next tick of the job's schedule; absent while it is paused.",
    ),
    'webhooks-stopped': ofLine(
      'hasura_sync_webhooks_stopped',
      'Webhooks that send nothing more, by state: parked (nothing was accepted for three days) or ended (HTTP 410).',
      'state',
    ),
    workers: {
      gauge: createGauge(registry, 'hasura_sync_workers', 'Living processes that serve requests.', []),
      labelsOf: () => ({}),
    },
  }
  return {
    show(facts) {
      for (const { gauge } of Object.values(gauges)) gauge.reset()
      // Otherwise a gauge without labels would be 0, which means that nothing exists.
      gauges.workers.gauge.remove()
      for (const fact of facts) {
        const { gauge, labelsOf } = gauges[fact.name]
        gauge.set(labelsOf(fact), fact.value)
      }
    },
  }
}

function createGauge(registry: Registry, name: string, help: string, labelNames: readonly string[]): Gauge {
  return new Gauge({ name, help, labelNames: [...labelNames], registers: [registry] })
}

/** One read at a time, whose result is kept for a while; a failure isn't. */
function keepFresh<T>(clock: Clock, read: () => Promise<T>): () => Promise<T> {
  let kept: { readonly answer: Promise<T>; readonly until: number } | undefined
  return () => {
    if (kept && clock.elapsed() < kept.until) return kept.answer
    const answer = read()
    // Callers share a read in progress, however long it takes.
    const asked = { answer, until: Number.POSITIVE_INFINITY }
    kept = asked
    answer.then(
      () => {
        if (kept === asked) kept = { answer, until: clock.elapsed() + freshForMs }
      },
      () => {
        if (kept === asked) kept = undefined
      },
    )
    return answer
  }
}

async function orUndefined<T>(answer: Promise<T>, clock: Clock): Promise<T | undefined> {
  const given = answer.catch(() => undefined)
  return (await settlesWithin(clock, readWithinMs, given)) ? given : undefined
}
