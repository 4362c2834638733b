import type { Told } from '../errors.ts'
import { explainInsecure, type PlainHttp } from '../outgoing/secure-address.ts'
import { readUrl } from './read-url.ts'

/**
 * The value of a variable that is an address of HTTP. Of what could be a secret only a query is taken, and only where `hasQuery`
 * says so: addresses are shown, and that of Hasura is stored.
 *
 * @param rule undefined where the address is looked at when it is used
 * @param problems gets every problem, by the variable's label; never with what may be secret in it
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
    problems.push({ found: `${label} has ${parts}`, remedy: 'leave them out: addresses are shown and stored' })
  }
  const insecure = rule.plainHttp && explainInsecure(url, label, rule.plainHttp)
  if (insecure) problems.push(insecure)
}

const hostName = /^(?:[^\s/:@?#*%\\[\]]+|\[[\da-f:.]+\])$/i

/** The machines that `ALLOW_INSECURE_HOSTS`, or another variable, names, as URLs write them. */
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
      found: `${label} holds something else than names of machines`,
      remedy: 'give them without scheme, port and path, and with spaces between: hasura keycloak.internal',
    })
    return []
  })
}
