import type { Told } from '../errors.ts'
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
  if (url && protocols.includes(url.protocol) && url.hostname) {
    if (isDecodable(url)) return value
    problems.push({
      found: `${label} has a % in its user name or password that is not an escape sequence`,
      remedy: 'write it as %25',
    })
    return undefined
  }
  problems.push({
    found: `${label} is not a URL such as ${example}`,
    remedy: `it must begin with ${protocols.map(p => `${p}//`).join(' or ')}`,
  })
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
