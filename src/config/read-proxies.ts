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
    const proxy = readUrl(url, ['http:', 'https:'], 'http://proxy.example:3128', variable, problems)
    if (proxy === undefined) return undefined
    const { pathname, search, hash } = new URL(proxy)
    if (pathname + search + hash !== '/') {
      problems.push({
        found: `${variable} has something after the host and the port, where the address of a proxy ends`,
        remedy:
          'write only those, as in http://proxy.example:3128; a file that tells browsers which proxy to use (.pac) names it',
      })
      return undefined
    }
    if (hasBothOrNone(new URL(proxy))) return proxy
    problems.push({
      found: `${variable} has only one of user name and password, so neither would be sent to the proxy`,
      remedy:
        'write both, as in http://user:password@proxy.example:3128, or none; a proxy that takes a key as the user name usually accepts any password',
    })
    return undefined
  }
  const [http, https] = [readProxy('HTTP_PROXY'), readProxy('HTTPS_PROXY')]
  if (!http && !https) return undefined
  const own = readValue(env[find('NO_PROXY') ?? ''] ?? '').value
  return { ...(http && { http }), ...(https && { https }), except: own === '*' ? own : [own, ...loopback].join(',') }
}

/** undici omits a user name without a password, and the reverse. */
function hasBothOrNone({ username, password }: URL): boolean {
  return (username === '') === (password === '')
}
