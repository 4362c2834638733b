import type { Told } from '../explanation.ts'
import { isLoopbackHost } from '../outgoing/secure-address.ts'
import { quoteValue } from './quote-value.ts'

/** Who may scrape, and what is told apart. */
export interface MetricsConfig {
  /** `http` is beside the API; null is nowhere. */
  readonly listen: 'http' | { readonly host: string; readonly port: number } | null
  /** Each account has time series of its own. */
  readonly hasAccounts: boolean
}

/**
 * Metrics name jobs and codes, so other machines get them only from a listener of their own: without one they are beside the API
 * as long as that listens on this machine alone.
 *
 * @param problems gets every problem, by the name of its variable
 */
export function readMetrics(
  env: Readonly<Partial<Record<'METRICS_HOST' | 'METRICS_PORT' | 'METRICS_ACCOUNTS', string>>>,
  httpHost: string,
  problems: Told[],
): MetricsConfig {
  const { METRICS_HOST: host, METRICS_PORT: port, METRICS_ACCOUNTS: accounts = 'false' } = env
  if (accounts !== 'true' && accounts !== 'false') {
    problems.push({ found: `METRICS_ACCOUNTS is ${quoteValue(accounts)}`, remedy: 'give true or false' })
  }
  const hasAccounts = accounts === 'true'
  if (port === undefined) {
    if (host !== undefined) {
      problems.push({ found: 'METRICS_HOST without METRICS_PORT would mean nothing', remedy: 'give both or neither' })
    }
    return { listen: isLoopbackHost(httpHost) ? 'http' : null, hasAccounts }
  }
  return { listen: { host: host ?? '127.0.0.1', port: readPort(port, 'METRICS_PORT', problems) }, hasAccounts }
}

/** @returns NaN, and a problem, when it is none */
export function readPort(value: string, label: string, problems: Told[]): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65_535)) problems.push({ found: `${label} is ${quoteValue(value)}`, remedy: 'give 0 to 65535' })
  return port
}
