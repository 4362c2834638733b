import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Observer } from '../observer/observer.ts'
import { createProcessMetrics } from './process-metrics.ts'
import { createSharedMetrics, type SharedSources } from './shared-metrics.ts'

/** The metrics of a worker. */
export interface Metrics {
  /** Counts the events of this process. */
  readonly observer: Pick<Observer, 'httpAnswered'> & Partial<Observer>
  /** From now on a scrape includes what all processes share. */
  share(sources: SharedSources): void
  /** In the text format of Prometheus, version 0.0.4. It doesn't throw. */
  scrape(): Promise<{ readonly contentType: string; readonly text: string }>
}

/**
 * @param options.version of this program
 * @param options.hasAccounts whether each account has time series of its own
 */
export function createMetrics({
  version,
  hasAccounts,
}: {
  readonly version: string
  readonly hasAccounts: boolean
}): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const build = new Gauge({
    name: 'hasura_sync_build_info',
    help: 'Always 1; its label is the version of this program.',
    labelNames: ['version'],
    registers: [registry],
  })
  build.set({ version }, 1)
  let refresh = async (): Promise<void> => {}
  return {
    observer: createProcessMetrics(registry, hasAccounts),
    share(sources) {
      refresh = createSharedMetrics(registry, hasAccounts, sources)
    },
    async scrape() {
      await refresh()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
