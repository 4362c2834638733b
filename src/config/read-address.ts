import type { Told } from '../explanation.ts'
import { explainInsecure, type PlainHttp } from '../outgoing/secure-address.ts'
import { readUrl } from './read-url.ts'

/**
 * Reads a variable that is an HTTP URL. Refuses parts that may be secret, because URLs are shown and Hasura's is stored; a query is
 * accepted only with `hasQuery`.
 *
 * @param rule undefined when the URL is checked where it is used
 * @param problems gets every problem, with the variable's label and without anything that may be secret
 */
export function readAddress(
  value: string | undefined,
  label: string,
  rule: { readonly plainHttp?: PlainHttp; readonly hasQuery?: boolean },
  problems: Told[],
): void {
  const read = readUrl(value, ['https:', 'http:'], 'https://…', label, problems)
  if (read === undefined) return
  const url = new URL(read)
  if (url.username || url.password || url.hash || (url.search && !rule.hasQuery)) {
    const parts = rule.hasQuery ? 'a user or a fragment' : 'a user, a query or a fragment'
    problems.push({ found: `${label} has ${parts}`, remedy: 'remove them, because addresses are shown and stored' })
  }
  const insecure = rule.plainHttp && explainInsecure(url, label, rule.plainHttp)
  if (insecure) problems.push(insecure)
}

const hostName = /^(?:[^\s/:@?#*%\\[\]]+|\[[\da-f:.]+\])$/i

/** Reads the hosts in `ALLOW_INSECURE_HOSTS` or another variable, normalized as in URLs. */
export function readInsecureHosts(
  value: string | undefined,
  problems: Told[],
  label = 'ALLOW_INSECURE_HOSTS',
): readonly string[] {
  const names = (value ?? '').split(/[\s,]+/).filter(name => name !== '')
  return names.flatMap(name => {
    const url = hostName.test(name) ? URL.parse(`http://${name}/`) : null
    if (url) return [url.hostname]
    problems.push({
      found: `${label} holds something other than host names`,
      remedy: 'write host names without scheme, port and path, separated by spaces: hasura keycloak.internal',
    })
    return []
  })
}
