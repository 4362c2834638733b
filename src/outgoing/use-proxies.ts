import https from 'node:https'
import { EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici'

/** Through which proxies servers are reached. */
export interface Proxies {
  /** For `http:` addresses, and for `https:` ones where these have none of their own. */
  readonly http?: string
  readonly https?: string
  /** Names of servers that are asked directly, as `NO_PROXY` lists them; `*` for all. */
  readonly except: string
}

/**
 * Sends the requests of this process through proxies, those of a job's own `fetch` too. Addresses that somebody else chose
 * (`createPublicExchange`) are asked directly: a proxy would resolve their names itself, and reach what must not be reached.
 *
 * @returns ends it
 */
export function useProxies({ http, https: forHttps, except }: Proxies): Disposable {
  const before = { dispatcher: getGlobalDispatcher(), agent: https.globalAgent }
  const httpsProxy = forHttps ?? http
  const proxies = { ...(http && { httpProxy: http }), ...(httpsProxy && { httpsProxy }), noProxy: except }
  const dispatcher = new EnvHttpProxyAgent({ httpProxy: '', httpsProxy: '', ...proxies })
  setGlobalDispatcher(dispatcher)
  const proxyEnv = { ...(httpsProxy && { HTTPS_PROXY: httpsProxy }), NO_PROXY: except }
  https.globalAgent = new https.Agent({ ...before.agent.options, proxyEnv })
  return {
    [Symbol.dispose]() {
      setGlobalDispatcher(before.dispatcher)
      https.globalAgent = before.agent
      void dispatcher.destroy()
    },
  }
}
