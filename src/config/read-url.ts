import type { Explanation, Told } from '../explanation.ts'

/**
 * Reads a variable that must be a URL. Problems never quote it, because it may hold a password.
 *
 * @param protocols such as `https:`
 * @param example a URL of the expected kind
 * @param label name of the variable in problems
 * @returns undefined when it isn't set, or when there is a problem
 */
export function readUrl(
  value: string | undefined,
  protocols: readonly string[],
  example: string,
  label: string,
  problems: Told[],
): string | undefined {
  if (!value) return undefined
  const url = URL.parse(value)
  const problem = findMistake(value, url, { protocols, example })
  if (problem) {
    problems.push({ ...problem, found: `${label} ${problem.found}` })
    return undefined
  }
  if (url && protocols.includes(url.protocol) && url.hostname) return value
  problems.push({
    found: `${label} is not a URL such as ${example}`,
    remedy: `it must begin with ${protocols.map(p => `${p}//`).join(' or ')}`,
  })
  return undefined
}

/** Common mistakes of people who know their server's address; `found` continues the variable's name. */
function findMistake(
  value: string,
  url: URL | null,
  { protocols, example }: { readonly protocols: readonly string[]; readonly example: string },
): Explanation | undefined {
  if (!protocols.some(protocol => value.startsWith(`${protocol}//`))) return undefined
  // An @ can only precede the host, or be in the query of a URL that can be parsed, or in the path of an HTTP one.
  const before = protocols.includes('http:') ? /^[^?]*#/ : /^[^?]*[#@]/
  if (/^[^/]+\/\/[^@]*[/?#][^@]*@/.test(value) && (!url || before.test(value))) {
    return {
      found: 'has a /, ? or # in its user name or password',
      remedy: 'write them as %2F, %3F and %23',
    }
  }
  const authority = /\/\/([^/?#]*)/.exec(value)?.[1] ?? ''
  const host = authority.slice(authority.lastIndexOf('@') + 1)
  if (host === '') return { found: 'names no host', remedy: `write it like ${example}` }
  if (host.includes(',')) {
    return {
      found: 'names several hosts',
      remedy: 'name one: the primary, or an address that always leads to it',
    }
  }
  if (!url && /^[\da-f]*:[\da-f]*:[\da-f:.]*$/i.test(host)) {
    return { found: 'has an IPv6 address without brackets', remedy: 'write it in brackets, as in [fd00::1]:8443' }
  }
  if (!url) {
    return {
      found: 'has a host or a port that no URL can have',
      remedy: 'write the host without spaces and < >, and the port as a number up to 65535',
    }
  }
  if (!isDecodable(url)) {
    return { found: 'has a % in its user name or password that is not an escape sequence', remedy: 'write it as %25' }
  }
  return undefined
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}
