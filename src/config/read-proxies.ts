import type { Told } from '../explanation.ts'
import type { Proxies } from '../outgoing/use-proxies.ts'
import { readUrl } from './read-url.ts'
import { readValue } from './read-value.ts'

/** This machine is reached directly, whatever the proxies are. */
const loopback = ['localhost', '127.0.0.1', '[::1]']

/**
 * The proxies from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`. As for curl, lower-case names take precedence, and `http://` may be
 * omitted.
 *
 * @returns undefined when there are none, or when there is a problem
 */
export function readProxies(env: Readonly<Record<string, string | undefined>>, problems: Told[]): Proxies | undefined {
  const find = (name: string) => [name.toLowerCase(), name].find(each => env[each]?.trim())
  const readProxy = (name: string) => {
    const variable = find(name)
    if (variable === undefined) return undefined
    const { value } = readValue(env[variable] ?? '')
    const url = value.includes('://') ? value : `http://${value}`
    return readUrl(url, ['http:', 'https:'], 'http://proxy.example:3128', variable, problems)
  }
  const [http, https] = [readProxy('HTTP_PROXY'), readProxy('HTTPS_PROXY')]
  if (!http && !https) return undefined
  const own = readValue(env[find('NO_PROXY') ?? ''] ?? '').value
  return { ...(http && { http }), ...(https && { https }), except: own === '*' ? own : [own, ...loopback].join(',') }
}
