import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { ObservedLine } from '../observer/observer.ts'
import { createProcessMetrics, type ProcessMetrics } from './process-metrics.ts'
import { createSharedMetrics, type SharedSources } from './shared-metrics.ts'

/** The metrics of a worker. */
export interface Metrics {
  /** Counts the events of this process. */
  readonly observer: ProcessMetrics['observer']
  /**
   * From now on a scrape includes what all processes share.
   *
   * @param lines the lines of this process as they are now
   */
  share(sources: SharedSources, lines: () => readonly ObservedLine[]): void
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
  const { observer, know } = createProcessMetrics(registry, hasAccounts)
  let refresh = async (): Promise<void> => {}
  return {
    observer,
    share(sources, lines) {
      const readShared = createSharedMetrics(registry, hasAccounts, sources)
      refresh = async () => {
        know(lines())
        await readShared()
      }
    },
    async scrape() {
      await refresh()
      return { contentType: registry.contentType, text: await registry.metrics() }
    },
  }
}
