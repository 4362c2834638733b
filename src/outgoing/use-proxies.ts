import https from 'node:https'
import { EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'
import { createProxyClient } from './proxy-client.ts'

/** The proxies through which servers are reached. */
export interface Proxies {
  /** For `http:` addresses, and for `https:` ones if no other proxy is set. */
  readonly http?: string
  readonly https?: string
  /** Names of servers that are reached directly, as in `NO_PROXY`; `*` for all. */
  readonly except: string
}

/**
 * Sends all requests of this process through proxies, including those of a job's own `fetch`. Addresses chosen by others
 * (`createPublicExchange`) are reached directly: a proxy would resolve their names itself, and could reach private addresses.
 *
 * @returns ends it
 */
export function useProxies({ http, https: forHttps, except }: Proxies): Disposable {
  const before = { dispatcher: getGlobalDispatcher(), agent: https.globalAgent }
  const httpsProxy = forHttps ?? http
  const names = listNames(except)
  const proxies = { httpProxy: http ?? '', httpsProxy: httpsProxy ?? '', noProxy: names.join(',') }
  const dispatcher = new EnvHttpProxyAgent({
    ...proxies,
    // With a tunnel, a refusal of the proxy isn't taken for the server's response.
    proxyTunnel: true,
    // Over HTTP/2, undici refuses a header of its own and connects again, without a pause.
    proxyTls: { allowH2: false },
    clientFactory: createProxyClient,
  })
  setGlobalDispatcher(dispatcher)
  const proxyEnv = { ...(httpsProxy && { HTTPS_PROXY: httpsProxy }), NO_PROXY: withSubdomains(names) }
  https.globalAgent = new https.Agent({ ...before.agent.options, proxyEnv })
  return {
    [Symbol.dispose]() {
      setGlobalDispatcher(before.dispatcher)
      https.globalAgent = before.agent
      void dispatcher.destroy()
    },
  }
}

/** A name includes its host and all below, with `.` or `*.` in front too. */
function listNames(except: string): readonly string[] {
  return except.split(/[\s,]+/).flatMap(name => name.replace(/^\*?\./, '') || [])
}

/** For Node's agent a name means only that host; for undici and curl it includes every host below it. */
function withSubdomains(names: readonly string[]): string {
  return names.flatMap(name => (/^[a-z_]/i.test(name) && !name.includes(':') ? [name, `.${name}`] : [name])).join(',')
}
