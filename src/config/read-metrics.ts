import type { Told } from '../explanation.ts'
import { isLoopbackHost } from '../outgoing/secure-address.ts'
import { quoteValue } from './quote-value.ts'

/** Where metrics are served, and with which labels. */
export interface MetricsConfig {
  /** `http` means next to the API; null means nowhere. */
  readonly listen: 'http' | { readonly host: string; readonly port: number } | null
  /** Whether the account is a label. */
  readonly hasAccounts: boolean
}

/**
 * Metrics name jobs and codes, so other machines get them only from a separate listener. Without one, they are served next to the API,
 * if that listens on this machine only.
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
      problems.push({ found: 'METRICS_HOST has no effect without METRICS_PORT', remedy: 'give both or neither' })
    }
    return { listen: isLoopbackHost(httpHost) ? 'http' : null, hasAccounts }
  }
  return { listen: { host: host ?? '127.0.0.1', port: readPort(port, 'METRICS_PORT', problems) }, hasAccounts }
}

/** @returns NaN, and adds a problem, if it isn't a port */
export function readPort(value: string, label: string, problems: Told[]): number {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
  if (!(port <= 65_535)) {
    const remedy = ofService.test(value)
      ? 'Kubernetes sets it for a Service of that name: set "enableServiceLinks: false" in the pod, or the variable to a port'
      : 'give 0 to 65535'
    problems.push({ found: `${label} is ${quoteValue(value)}`, remedy })
  }
  return port
}

/** What a container of Kubernetes, or a linked one of Docker, gets as `METRICS_PORT` for a Service `metrics`. */
const ofService = /^(?:tcp|udp|sctp):\/\//
