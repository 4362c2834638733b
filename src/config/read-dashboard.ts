import type { Secret } from '../account.ts'
import type { Told } from '../explanation.ts'
import { isLoopbackHost } from '../outgoing/secure-address.ts'
import { quoteValue } from './quote-value.ts'
import { readAddress } from './read-address.ts'

/** Who may open the dashboard: nobody, anyone with the printed link, or people who log in. */
export type DashboardConfig = 'off' | 'link' | DashboardLogin

/** OpenID Connect, by the authorization code flow. */
export interface DashboardLogin {
  readonly issuer: string
  readonly clientId: string
  readonly secret: Secret
  /** The dashboard's address in the browser, without a trailing slash. */
  readonly url: string
  readonly roles: { readonly view?: string; readonly operate?: string; readonly data?: string }
  /** Hosts to which the client's secret may go over plain http. */
  readonly insecureHosts: readonly string[]
}

export const dashboardVariables = [
  'DASHBOARD',
  'DASHBOARD_ISSUER',
  'DASHBOARD_CLIENT_ID',
  'DASHBOARD_CLIENT_SECRET',
  'DASHBOARD_CLIENT_SECRET_FILE',
  'DASHBOARD_URL',
  'DASHBOARD_VIEW_ROLE',
  'DASHBOARD_OPERATE_ROLE',
  'DASHBOARD_DATA_ROLE',
] as const
type Values = Readonly<Partial<Record<(typeof dashboardVariables)[number], string>>>

/**
 * Without configuration the dashboard is for this machine only: it is off if other machines can reach HTTP.
 *
 * @param host on which HTTP listens
 * @param problems gets every problem, by the name of its variable
 */
export function readDashboard(
  env: Values,
  { host, insecureHosts }: { readonly host: string; readonly insecureHosts: readonly string[] },
  problems: Told[],
): DashboardConfig {
  const { DASHBOARD: wanted = 'on' } = env
  if (wanted !== 'on' && wanted !== 'off') {
    problems.push({ found: `DASHBOARD is ${quoteValue(wanted)}`, remedy: 'give on or off' })
  }
  if (wanted === 'off') return 'off'
  const isSet = dashboardVariables.some(name => name !== 'DASHBOARD' && env[name] !== undefined)
  if (!isSet) return isLoopbackHost(host) ? 'link' : 'off'
  return readLogin(env, insecureHosts, problems) ?? 'off'
}

const needed = ['DASHBOARD_ISSUER', 'DASHBOARD_CLIENT_ID', 'DASHBOARD_URL'] as const

function readLogin(env: Values, insecureHosts: readonly string[], problems: Told[]): DashboardLogin | undefined {
  const { DASHBOARD_ISSUER: issuer, DASHBOARD_CLIENT_ID: clientId, DASHBOARD_URL: url } = env
  const { DASHBOARD_VIEW_ROLE: view, DASHBOARD_OPERATE_ROLE: operate, DASHBOARD_DATA_ROLE: data } = env
  const secret = readSecret(env, problems)
  const plainHttp = { insecureHosts }
  readAddress(issuer, 'DASHBOARD_ISSUER', { plainHttp }, problems)
  readAddress(url, 'DASHBOARD_URL', { plainHttp }, problems)
  for (const name of needed.filter(each => env[each] === undefined)) {
    problems.push({
      found: `${name} is missing`,
      remedy: `set all of ${needed.join(', ')}, or no DASHBOARD_ variable`,
    })
  }
  if (view === undefined && operate === undefined) {
    problems.push({
      found: 'Neither DASHBOARD_VIEW_ROLE nor DASHBOARD_OPERATE_ROLE is set, so nobody could see the dashboard',
      remedy: 'set one of them to a role of the realm or of the client',
    })
  }
  if (!secret || issuer === undefined || clientId === undefined || url === undefined) return undefined
  const roles = { ...(view && { view }), ...(operate && { operate }), ...(data && { data }) }
  return { issuer, clientId, secret, url: url.replace(/\/$/, ''), roles, insecureHosts }
}

function readSecret(env: Values, problems: Told[]): Secret | undefined {
  const { DASHBOARD_CLIENT_SECRET: value, DASHBOARD_CLIENT_SECRET_FILE: file } = env
  if (value !== undefined && file !== undefined) {
    problems.push({
      found: 'DASHBOARD_CLIENT_SECRET and DASHBOARD_CLIENT_SECRET_FILE are both set',
      remedy: 'keep only DASHBOARD_CLIENT_SECRET_FILE',
    })
    return undefined
  }
  if (file !== undefined) return { file }
  if (value !== undefined) return { value }
  problems.push({
    found: 'DASHBOARD_CLIENT_SECRET_FILE is missing',
    remedy: 'name the file with the secret of the client that DASHBOARD_CLIENT_ID names',
  })
  return undefined
}
